/* eslint-disable @stylistic/quotes, no-template-curly-in-string -- texts as they are found */
import type { Random } from './random.js'

/** A made-up secret in the text that it stands in. */
export interface MadeUp {
  readonly kind: string
  readonly id: string
  readonly secret: string
  readonly text: string
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
const HEX = DIGITS + 'abcdef'
const BASE62 = DIGITS + UPPER + LOWER

/** Makers of random characters, so many of them. */
export function alphabets (random: Random) {
  const from = (alphabet: string) => (length: number) => Array.from({ length }, () => alphabet[random.below(alphabet.length)]).join('')
  const [hex, b62, digits, letters] = [from(HEX), from(BASE62), from(DIGITS), from(UPPER + LOWER)]
  return {
    hex,
    b62,
    digits,
    letters,
    url: from(BASE62 + '-_'),
    b64: from(BASE62 + '+/'),
    lower: from(LOWER + DIGITS),
    upper: from(UPPER + DIGITS),
    caps: from(UPPER),
    uuid: () => [8, 4, 4, 4, 12].map((length) => hex(length)).join('-'),
    /** What a generator of passwords gives. */
    password: () => `${letters(3)}${digits(1)}${b62(8)}${digits(1)}${letters(3)}`,
    json: (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  }
}

type Letters = ReturnType<typeof alphabets>

/** Forms that the vendors' documentation gives, of those that docs/security.md names. */
const DOCUMENTED: Readonly<Record<string, (a: Letters) => string>> = {
  'Anthropic API key': (a) => `sk-ant-api03-${a.url(93)}AA`,
  'Anthropic OAuth token': (a) => `sk-ant-oat01-${a.url(93)}AA`,
  'Anthropic refresh token': (a) => `sk-ant-ort01-${a.url(93)}AA`,
  'Anthropic admin key': (a) => `sk-ant-admin01-${a.url(93)}AA`,
  'OpenAI project key': (a) => `sk-proj-${a.url(74)}T3BlbkFJ${a.url(74)}`,
  'OpenAI service account key': (a) => `sk-svcacct-${a.url(58)}T3BlbkFJ${a.url(58)}`,
  'OpenAI admin key': (a) => `sk-admin-${a.url(58)}T3BlbkFJ${a.url(58)}`,
  'OpenAI user key': (a) => `sk-${a.b62(20)}T3BlbkFJ${a.b62(20)}`,
  'OpenRouter key': (a) => `sk-or-v1-${a.hex(64)}`,
  'DeepSeek key': (a) => `sk-${a.hex(32)}`,
  'Google API key': (a) => `AIza${a.url(35)}`,
  'Google access token': (a) => `ya29.a0${a.url(160)}`,
  'Google client secret': (a) => `GOCSPX-${a.url(28)}`,
  'Google refresh token': (a) => `1//0${a.url(98)}`,
  'GitHub personal token': (a) => `ghp_${a.b62(36)}`,
  'GitHub OAuth token': (a) => `gho_${a.b62(36)}`,
  'GitHub user token': (a) => `ghu_${a.b62(36)}`,
  'GitHub server token': (a) => `ghs_${a.b62(36)}`,
  'GitHub refresh token': (a) => `ghr_${a.b62(76)}`,
  'GitHub fine-grained token': (a) => `github_pat_11${a.upper(20)}_${a.b62(59)}`,
  'GitLab personal token': (a) => `glpat-${a.url(20)}`,
  'GitLab routable token': (a) => `glpat-${a.url(27)}.01.${a.lower(9)}`,
  'GitLab deploy token': (a) => `gldt-${a.url(20)}`,
  'GitLab runner token': (a) => `glrt-${a.url(20)}`,
  'GitLab trigger token': (a) => `glptt-${a.hex(40)}`,
  'GitLab job token': (a) => `glcbt-64_${a.url(20)}`,
  'GitLab agent token': (a) => `glagent-${a.url(50)}`,
  'GitLab application secret': (a) => `gloas-${a.hex(64)}`,
  'GitLab SCIM token': (a) => `glsoat-${a.url(20)}`,
  'Slack bot token': (a) => `xoxb-${a.digits(12)}-${a.digits(13)}-${a.b62(24)}`,
  'Slack user token': (a) => `xoxp-${a.digits(12)}-${a.digits(12)}-${a.digits(13)}-${a.hex(32)}`,
  'Slack app token': (a) => `xapp-1-A${a.upper(10)}-${a.digits(13)}-${a.hex(64)}`,
  'Slack refresh token': (a) => `xoxe-1-${a.b62(146)}`,
  'Stripe live key': (a) => `sk_live_51${a.b62(97)}`,
  'Stripe old key': (a) => `sk_live_${a.b62(24)}`,
  'Stripe test key': (a) => `sk_test_51${a.b62(97)}`,
  'Stripe restricted key': (a) => `rk_live_51${a.b62(97)}`,
  'Stripe signing secret': (a) => `whsec_${a.b62(32)}`,
  'AWS access key id': (a) => `AKIA${a.upper(16)}`,
  'AWS temporary key id': (a) => `ASIA${a.upper(16)}`,
  'npm token': (a) => `npm_${a.b62(36)}`,
  'PyPI token': (a) => `pypi-AgEIcHlwaS5vcmc${a.url(140)}`,
  'Hugging Face token': (a) => `hf_${a.letters(34)}`,
  'Groq key': (a) => `gsk_${a.b62(52)}`,
  'xAI key': (a) => `xai-${a.b62(80)}`,
  'Perplexity key': (a) => `pplx-${a.b62(48)}`,
  'Replicate token': (a) => `r8_${a.b62(37)}`,
  'Vault service token': (a) => `hvs.${a.url(95)}`,
  'Vault batch token': (a) => `hvb.${a.url(150)}`,
  'SendGrid key': (a) => `SG.${a.url(22)}.${a.url(43)}`,
  'Sentry organisation token': (a) => `sntrys_${a.json({ iat: 1_700_000_000.1, url: 'https://sentry.io', region_url: 'https://us.sentry.io', org: 'x' })}_${a.b64(43)}`,
  'Sentry user token': (a) => `sntryu_${a.hex(64)}`,
  'Grafana service account token': (a) => `glsa_${a.b62(32)}_${a.hex(8)}`,
  'Grafana Cloud token': (a) => `glc_${a.json({ o: '450222', n: 'stack-1-x', k: a.b62(24), m: { r: 'us' } })}`,
  'Linear key': (a) => `lin_api_${a.b62(40)}`,
  'Figma token': (a) => `figd_${a.url(40)}`,
  'JSON web token': (a) => `${a.json({ alg: 'RS256', typ: 'JWT' })}.${a.json({ sub: a.digits(10), iat: 1_785_000_000, scope: 'all' })}.${a.url(86)}`
}

/** Forms of further vendors. */
const OTHERS: Readonly<Record<string, (a: Letters) => string>> = {
  'Together key': (a) => `tgp_v1_${a.url(43)}`,
  'Fireworks key': (a) => `fw_${a.b62(22)}`,
  'Cerebras key': (a) => `csk-${a.lower(48)}`,
  'ElevenLabs key': (a) => `sk_${a.hex(48)}`,
  'NVIDIA key': (a) => `nvapi-${a.url(64)}`,
  'Voyage key': (a) => `pa-${a.url(43)}`,
  'Jina key': (a) => `jina_${a.hex(32)}${a.b62(28)}`,
  'Tavily key': (a) => `tvly-dev-${a.b62(32)}`,
  'E2B key': (a) => `e2b_${a.hex(40)}`,
  'LangSmith key': (a) => `lsv2_pt_${a.hex(32)}_${a.hex(10)}`,
  'Langfuse key': (a) => `sk-lf-${a.uuid()}`,
  'Pinecone key': (a) => `pcsk_${a.b62(5)}_${a.b62(60)}`,
  'Bedrock key': (a) => `ABSK${a.b64(110)}=`,
  'Weights & Biases key': (a) => `wandb_v1_${a.url(77)}`,
  'DigitalOcean token': (a) => `dop_v1_${a.hex(64)}`,
  'DigitalOcean refresh token': (a) => `dor_v1_${a.hex(64)}`,
  'Dropbox token': (a) => `sl.${a.url(136)}`,
  'Shopify token': (a) => `shpat_${a.hex(32)}`,
  'Shopify shared secret': (a) => `shpss_${a.hex(32)}`,
  'Mailgun key': (a) => `key-${a.hex(32)}`,
  'Mailchimp key': (a) => `${a.hex(32)}-us12`,
  'Brevo key': (a) => `xkeysib-${a.hex(64)}-${a.b62(16)}`,
  'Resend key': (a) => `re_${a.b62(8)}_${a.b62(24)}`,
  'Postman key': (a) => `PMAK-${a.hex(24)}-${a.hex(34)}`,
  'Databricks token': (a) => `dapi${a.hex(32)}-3`,
  'Terraform Cloud token': (a) => `${a.b62(14)}.atlasv1.${a.url(67)}`,
  'Doppler token': (a) => `dp.pt.${a.b62(43)}`,
  'Doppler service token': (a) => `dp.st.prd.${a.b62(43)}`,
  'Heroku key': (a) => `HRKU-AA${a.url(58)}`,
  'New Relic user key': (a) => `NRAK-${a.upper(27)}`,
  'New Relic insert key': (a) => `NRII-${a.url(32)}`,
  'Notion secret': (a) => `secret_${a.b62(43)}`,
  'Notion token': (a) => `ntn_${a.digits(11)}${a.b62(35)}`,
  'Airtable token': (a) => `pat${a.b62(14)}.${a.hex(64)}`,
  'Atlassian token': (a) => `ATATT3xFfGF0${a.url(171)}=${a.hex(8).toUpperCase()}`,
  'Bitbucket password': (a) => `ATBB${a.b62(24)}${a.hex(8).toUpperCase()}`,
  'Square token': (a) => `sq0atp-${a.url(22)}`,
  'Square secret': (a) => `sq0csp-${a.url(43)}`,
  'Square access token': (a) => `EAAA${a.url(60)}`,
  'Facebook token': (a) => `EAA${a.b62(180)}`,
  'Plaid token': (a) => `access-sandbox-${a.uuid()}`,
  'Telegram bot token': (a) => `${a.digits(10)}:AA${a.url(33)}`,
  'Discord bot token': (a) => `M${a.b62(25)}.G${a.url(5)}.${a.url(38)}`,
  'Docker token': (a) => `dckr_pat_${a.url(27)}`,
  'RubyGems key': (a) => `rubygems_${a.hex(48)}`,
  'crates.io token': (a) => `cio${a.b62(32)}`,
  'NuGet key': (a) => `oy2${a.lower(43)}`,
  'Clojars token': (a) => `CLOJARS_${a.hex(60)}`,
  'Pulumi token': (a) => `pul-${a.hex(40)}`,
  'PlanetScale token': (a) => `pscale_tkn_${a.url(43)}`,
  'PlanetScale password': (a) => `pscale_pw_${a.url(43)}`,
  'Supabase token': (a) => `sbp_${a.hex(40)}`,
  'Supabase secret key': (a) => `sb_secret_${a.url(22)}_${a.b62(8)}`,
  'Neon key': (a) => `napi_${a.lower(64)}`,
  'Netlify token': (a) => `nfp_${a.b62(36)}`,
  'Fly token': (a) => `FlyV1 fm2_${a.b64(300)}`,
  'Render key': (a) => `rnd_${a.b62(28)}`,
  'Tailscale key': (a) => `tskey-auth-k${a.b62(11)}CNTRL-${a.b62(32)}`,
  'CircleCI token': (a) => `CCIPAT_${a.b62(22)}_${a.hex(40)}`,
  'Buildkite token': (a) => `bkua_${a.hex(40)}`,
  'SonarQube token': (a) => `squ_${a.hex(40)}`,
  'JFrog key': (a) => `AKCp8${a.b62(68)}`,
  'Prefect key': (a) => `pnu_${a.b62(36)}`,
  'ReadMe key': (a) => `rdme_${a.lower(70)}`,
  'Typeform token': (a) => `tfp_${a.url(44)}_${a.b62(14)}`,
  'Contentful token': (a) => `CFPAT-${a.url(43)}`,
  'Infracost key': (a) => `ico-${a.b62(32)}`,
  'Frame.io token': (a) => `fio-u-${a.url(64)}`,
  'Duffel token': (a) => `duffel_live_${a.url(43)}`,
  'EasyPost key': (a) => `EZAK${a.b62(54)}`,
  'Flutterwave key': (a) => `FLWSECK-${a.hex(32)}-X`,
  'Shippo token': (a) => `shippo_live_${a.hex(40)}`,
  'Adafruit key': (a) => `aio_${a.b62(28)}`,
  'Mapbox secret token': (a) => `sk.${a.json({ u: 'someone', a: a.lower(25) })}.${a.url(22)}`,
  'age key': (a) => `AGE-SECRET-KEY-1${a.upper(58)}`,
  'Alibaba key': (a) => `LTAI5t${a.b62(18)}`,
  'Azure client secret': (a) => `${a.b62(3)}8Q~${a.url(34)}`,
  'HubSpot token': (a) => `pat-na1-${a.uuid()}`,
  'Sourcegraph token': (a) => `sgp_${a.hex(16)}_${a.hex(40)}`,
  '1Password service account': (a) => `ops_${a.json({ signInAddress: 'my.1password.com', userAuth: { method: 'SRPg-4096' }, key: a.b62(120) })}`,
  '1Password secret key': (a) => `A3-${a.upper(6)}-${a.upper(6)}-${a.upper(5)}-${a.upper(5)}-${a.upper(5)}-${a.upper(5)}`,
  'Dynatrace token': (a) => `dt0c01.${a.upper(24)}.${a.upper(64)}`,
  'Harness token': (a) => `pat.${a.url(22)}.${a.hex(24)}.${a.b62(20)}`,
  'Octopus key': (a) => `API-${a.upper(26)}`,
  'OpenShift token': (a) => `sha256~${a.url(43)}`,
  'PostHog key': (a) => `phx_${a.b62(43)}`,
  'Zuplo key': (a) => `zpka_${a.hex(32)}_${a.hex(8)}`,
  'Cloudflare origin key': (a) => `v1.0-${a.hex(24)}-${a.hex(146)}`,
  'WakaTime key': (a) => `waka_${a.uuid()}`,
  'Inngest key': (a) => `signkey-prod-${a.hex(64)}`,
  'Cal.com key': (a) => `cal_live_${a.hex(32)}`,
  'Axiom token': (a) => `xaat-${a.uuid()}`,
  'MaxMind key': (a) => `${a.b62(6)}_${a.b62(29)}_mmk`,
  'Yandex key': (a) => `AQVN${a.url(36)}`,
  'Braintree token': (a) => `access_token$production$${a.lower(16)}$${a.hex(32)}`,
  'LaunchDarkly key': (a) => `sdk-${a.uuid()}`
}

/** The secret in words: what stands around a value that has no form of its own. `§` is its place. */
const CONTEXTS: ReadonlyArray<readonly [kind: string, value: 'password' | 'hex' | 'base64' | 'uuid', texts: readonly string[]]> = [
  ['.env', 'password', [
    'DB_PASSWORD=§', 'export API_TOKEN=§', 'JWT_SECRET="§"', "SESSION_SECRET='§'", 'STRIPE_API_KEY=§\nPORT=3000', 'MYSQL_ROOT_PASSWORD: §',
    'REDIS_PASSWORD=§ # local', 'SMTP_PASSWORD=§', 'set ADMIN_PASSWORD=§', '$env:API_KEY = "§"', 'ENV GITHUB_TOKEN=§', 'ARG NPM_TOKEN=§',
    'APP_SECRET = §', 'POSTGRES_PASSWORD=§\r\nPOSTGRES_DB=x', 'ACCESS_TOKEN=§;', 'MAIL_PASS=§', 'PGPASSWORD=§ pg_dump x', 'NEXTAUTH_SECRET=§',
    'KEYSTORE_PASSWORD=§', 'DATADOG_APP_KEY=§', 'ENCRYPTION_KEY=§', 'COOKIE_SECRET=§', 'BASIC_AUTH_PASSWORD=§', 'OPENAI_KEY=§', 'BOT_TOKEN=§'
  ]],
  ['.env', 'hex', ['SECRET_KEY_BASE=§', 'DD_API_KEY=§', 'APP_KEY=§', 'HMAC_KEY=§', 'ALGOLIA_ADMIN_KEY=§', 'WANDB_API_KEY=§']],
  ['.env', 'base64', ['AWS_SECRET_ACCESS_KEY=§', 'APP_KEY=base64:§', 'LARAVEL_SECRET="§"', 'AZURE_STORAGE_KEY=§']],
  ['HTTP', 'password', [
    'Authorization: Bearer §', 'authorization: Token §', 'X-Api-Key: §', 'X-Auth-Token: §', 'Private-Token: §', 'Cookie: session=§; theme=dark',
    'Set-Cookie: connect.sid=§; Path=/; HttpOnly', 'curl -u admin:§ https://x.example', 'curl --user "admin:§" x', "curl -H 'X-Vault-Token: §' x",
    'curl -H "Authorization: Bearer §" https://x.example', 'GET /v1?api_key=§&q=1', 'GET /cb?access_token=§ HTTP/1.1', 'curl "https://x.example/?token=§"',
    'Proxy-Authorization: Basic §', 'curl -d "client_secret=§&grant_type=x" x', 'curl -d \'{"password":"§"}\' x', 'PRIVATE-TOKEN: §',
    'wget --password=§ x', 'http POST x Authorization:"Bearer §"', '"Authorization": "Bearer §"', 'X-Shopify-Access-Token: §',
    'headers: { authorization: `Bearer §` }', 'wget --header="Authorization: Bearer §" x', 'https://x.example/share?sig=§&se=2026'
  ]],
  ['HTTP', 'hex', ['DD-API-KEY: §', 'Ocp-Apim-Subscription-Key: §', 'Authorization: ApiKey §', 'X-Amz-Security-Token: §', 'X-Hub-Signature-Key: §']],
  ['command', 'password', [
    'mysql -uroot -p§ shop', 'mysql --password=§', 'sshpass -p § ssh x', 'redis-cli -a § ping', 'docker login -u me -p § r.example', 'deploy --token §',
    'deploy --token=§', "deploy --api-key '§'", 'echo § | docker login -u me --password-stdin', 'openssl enc -aes-256-cbc -pass pass:§ -in x',
    'openssl pkcs12 -passout pass:§', 'gh secret set X --body §', 'gh auth login --with-token <<< §', 'aws configure set aws_secret_access_key §',
    'npm config set //registry.example/:_authToken §', 'helm upgrade x --set db.password=§', 'kubectl create secret generic x --from-literal=password=§',
    'vault login §', 'az login --service-principal -u x -p § --tenant y', 'curl -sSfL x --proxy-user me:§', 'psql "host=x password=§"',
    'sqlcmd -S x -U sa -P §', 'ansible-playbook x -e db_password=§', 'terraform apply -var="token=§"', 'twine upload -u __token__ -p §',
    'mongosh -u root -p § x', 'git -c http.extraHeader="Authorization: Bearer §" clone x', 'keytool -storepass § -list', 'htpasswd -b f me §',
    'docker run -e MYSQL_PASSWORD=§ mysql', 'net user me § /add', 'ldapsearch -D x -w § y', 'printf "%s" "§" | gcloud secrets create x --data-file=-',
    'zip -P § a.zip b', 'ssh-keygen -N "§" -f k', 'heroku config:set SECRET_KEY=§', 'flyctl secrets set DB_PASSWORD=§', 'sudo -S <<< §'
  ]],
  ['connection', 'password', [
    'postgres://app:§@db.example:5432/shop', 'mysql://root:§@127.0.0.1/x', 'mongodb+srv://u:§@c.example/x', 'redis://:§@cache:6379/0', 'amqps://u:§@mq/x',
    'https://me:§@git.example/r.git', 'ftp://me:§@x.example/', 'smtp://a%40b.example:§@mail:587', 'Server=x;User Id=sa;Password=§;', 'Server=x;Uid=a;Pwd=§;',
    'host=x user=y password=§ dbname=z', 'jdbc:mysql://h/x?user=a&password=§', 'jdbc:postgresql://h/x?password=§&user=a', 'postgresql+psycopg2://a:§@h/x',
    'https://§@github.com/o/r.git', 'https://oauth2:§@gitlab.example/r.git', 'https://x-access-token:§@github.com/o/r', 'mssql://sa:§@h:1433/x',
    'nats://u:§@h:4222', 'DATABASE_URL="postgres://app:§@h/x"',
    'https://hooks.slack.com/services/T0AB12CD3/B0AB12CD3EF/§', 'https://discord.com/api/webhooks/123456789012345678/§'
  ]],
  ['connection', 'base64', ['DefaultEndpointsProtocol=https;AccountName=x;AccountKey=§==;EndpointSuffix=y', 'Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey=§=', 'AccountEndpoint=https://x;AccountKey=§==;']],
  ['file', 'password', [
    'machine x.example\n  login me\n  password §', 'db.example:5432:shop:app:§', '//registry.npmjs.org/:_authToken=§', '_password=§', '{"db":{"password":"§"}}',
    'users:\n- user:\n    token: §', 'spring.datasource.password=§', '<password>§</password>', '<add key="ApiKey" value="§" />', ":password => '§',",
    "define('DB_PASSWORD', '§');", "'password' => '§',", "const token = '§'", 'secret_key = "§"', "ALTER USER a IDENTIFIED BY '§';",
    "CREATE ROLE a LOGIN PASSWORD '§';", 'password: §', 'client_secret = "§"', 'requirepass §', 'key = process.env.API_KEY || "§"',
    "os.environ.get('API_KEY', '§')", 'stringData:\n  password: §', 'variable "db_password" { default = "§" }', '[pypi]\nusername = __token__\npassword = §',
    'proxy_password: "§"', 'bind_password = §', '{"name":"DB_PASSWORD","value":"§"}', '- name: API_TOKEN\n  value: §', 'npmAuthToken: "§"',
    'let apiKey = "§";', 'String password = "§";', '#define API_KEY "§"', 'token = "§"\n[other]', 'psk="§"', 'password_hash: §'
  ]],
  ['file', 'base64', ['{"auths":{"r.example":{"auth":"§="}}}', 'client-key-data: §§', 'PrivateKey = §=', 'aws_secret_access_key = §', 'aws_session_token = §', '{"identitytoken":"§"}', '"secretAccessKey": "§"', 'PresharedKey = §=']],
  ['file', 'uuid', ['//registry.example/:_authToken=§', '{"clientSecret":"§"}', 'api_token: §']]
]

const PEM_KINDS = ['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'PGP PRIVATE KEY BLOCK']

/** Vendors' tokens bare and secrets in their contexts, one of each. */
export function makeSecrets (random: Random): MadeUp[] {
  const a = alphabets(random)
  const made: MadeUp[] = []
  for (const [kind, forms] of [['documented form', DOCUMENTED], ['other vendor', OTHERS]] as const) {
    for (const [id, make] of Object.entries(forms)) {
      const secret = make(a)
      made.push({ kind, id, secret, text: `The value is ${secret} , use it.` })
    }
  }
  const values = { password: a.password, hex: () => a.hex(32), base64: () => `${a.b62(3)}/${a.b64(20)}+${a.b62(16)}`, uuid: a.uuid }
  for (const [kind, value, texts] of CONTEXTS) {
    for (const text of texts) {
      const secret = values[value]()
      made.push({ kind, id: text, secret, text: text.replaceAll('§', secret) })
    }
  }
  for (const kind of PEM_KINDS) {
    const body = Array.from({ length: 12 }, () => a.b64(64)).join('\n')
    for (const [where, inText] of [
      ['alone', (key: string) => key], ['after text', (key: string) => `${'lorem ipsum '.repeat(450)}\n${key}\n`],
      ['without end', (key: string) => key.slice(0, key.lastIndexOf('\n-----END'))], ['without begin', (key: string) => key.slice(key.indexOf('\n') + 1)],
      ['indented', (key: string) => key.replace(/^/gm, '    ')]
    ] as const) {
      made.push({ kind: 'private key', id: `${kind} ${where}`, secret: body, text: inText(`-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`) })
    }
  }
  return made
}

/** How texts arrive: what a shell, an encoder or a log makes of them. */
export const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  bare: (text) => text,
  JSON: (text) => JSON.stringify({ type: 'log', text: `first\n${text}\nlast` }),
  'JSON in JSON': (text) => JSON.stringify({ line: JSON.stringify({ text: `first\n${text}` }) }),
  URL: (text) => `GET /log?line=${encodeURIComponent(text)} HTTP/1.1`,
  HTML: (text) => `<pre>${text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</pre>`,
  colours: (text) => text.replace(/[^\s:="']+/g, (word) => `\x1b[32m${word}\x1b[0m`),
  CRLF: (text) => `first\r\n${text.replaceAll(/\r?\n/g, '\r\n')}\r\nlast`
}

/** What only looks like a secret. */
export function makeLookalikes (random: Random): string[] {
  const a = alphabets(random)
  return [
    // Things that have names made of random characters.
    `commit ${a.hex(40)}`, `${a.hex(7)} fix(api): check tokens`, `index ${a.hex(7)}..${a.hex(7)} 100644`, `Merge ${a.hex(40)} into ${a.hex(40)}`,
    a.uuid(), `request id: ${a.uuid()}`, `{"sessionId":"${a.uuid()}"}`, `trace_id=${a.hex(32)} span_id=${a.hex(16)}`, `sha256:${a.hex(64)}`,
    `"integrity": "sha512-${a.b64(86)}=="`, `integrity sha512-${a.b64(86)}==`, `<script src="x.js" integrity="sha384-${a.b64(64)}"></script>`,
    `"resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz#${a.hex(40)}"`, `checksum = "${a.hex(64)}"`, `h1:${a.b64(43)}=`, `md5: ${a.hex(32)}`,
    `golang.org/x/net v0.17.0 h1:${a.b64(43)}=`, `sha1 ${a.hex(40)}  file.txt`, `etag: "${a.hex(32)}"`, `W/"${a.hex(3)}-${a.b64(27)}"`,
    `data:image/png;base64,iVBORw0KGgo${a.b64(200)}=`, `url(data:font/woff2;base64,d09GMg${a.b64(120)})`, `//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJz${a.b64(80)}`,
    `msg_01${a.b62(22)}`, `toolu_01${a.b62(22)}`, `call_${a.b62(24)}`, `chatcmpl-${a.b62(29)}`, `resp_${a.hex(48)}`, `cus_${a.b62(14)}`, `pi_3${a.b62(23)}`,
    `pk_live_${a.b62(24)}`, `req_${a.b62(24)}`, `run_${a.b62(24)}`, `file-${a.b62(22)}`, `asst_${a.b62(24)}`, `thread_${a.b62(24)}`,
    `arn:aws:iam::${a.digits(12)}:role/deploy`, `i-0${a.hex(16)}`, `subnet-${a.hex(17)}`, `ami-${a.hex(17)}`, `projects/x/locations/y/keyRings/z`,
    `container ${a.hex(64)}`, `Digest: sha256:${a.hex(64)}`, `pod/api-${a.hex(9)}-${a.lower(5)} 1/1 Running`, `main.${a.hex(8)}.js  120 kB`, `assets/index-${a.b62(8)}.css`,
    `chunk-${a.upper(8)}.mjs`, `2026-11-30T12:00:00.000Z INFO started`, `0x${a.hex(40)}`, `https://youtu.be/${a.url(11)}`, `https://docs.google.com/document/d/1${a.url(43)}/edit`,
    `https://www.figma.com/file/${a.b62(22)}/Design`, `https://x.example/images/${a.uuid()}.png`, `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${a.b64(43)} me@x`,
    `SHA256:${a.b64(43)} me@x (ED25519)`, `Fingerprint: ${Array.from({ length: 20 }, () => a.hex(2).toUpperCase()).join(':')}`,
    `-----BEGIN CERTIFICATE-----\n${a.b64(64)}\n${a.b64(64)}\n-----END CERTIFICATE-----`, `-----BEGIN PUBLIC KEY-----\n${a.b64(64)}\n-----END PUBLIC KEY-----`,
    `fingerprint=${a.hex(40)}`, `build ${a.hex(12)} of ${a.digits(6)}`, `job ${a.digits(10)}`, `+49 30 ${a.digits(8)}`, `blob ${a.hex(40)} ${a.digits(5)}\tsrc/a.ts`,
    // Source code.
    'const token = await getToken()', 'const password = req.body.password', 'if (token === undefined) throw new Error("no token")', 'let secret: string',
    'function verify (token: string, secret: Buffer): boolean {', 'password: z.string().min(8)', 'this.apiKey = options.apiKey ?? process.env.API_KEY',
    'token = os.getenv("API_TOKEN")', 'const { token, secret } = config', 'return jwt.sign({ id }, process.env.JWT_SECRET, { expiresIn: "7d" })',
    'expect(token).toBe(undefined)', 'user.password = await bcrypt.hash(password, 10)', 'headers.set("Authorization", `Bearer ${token}`)',
    'private readonly tokenService: TokenService', 'import { tokenize } from "./tokenizer.js"', 'const MAX_TOKENS = 4096', 'password = forms.CharField(widget=forms.PasswordInput)',
    'tokens = [t for t in tokens if t.kind == TokenKind.WORD]', 'type Token = { kind: "word" | "number" }', 'password_hash VARCHAR(255) NOT NULL',
    'ALTER TABLE users ADD COLUMN password text', 'secretKeyRef:\n  name: db\n  key: password', 'token: ${{ secrets.NPM_TOKEN }}', 'password: "{{ vault_db_password }}"',
    'PASSWORD = settings.DATABASE_PASSWORD', 'const key = `${prefix}:${id}`', 'for (const [key, value] of Object.entries(tokens)) {', 'apiKey: apiKey',
    'secret = Rails.application.credentials.secret_key_base', 'token: Token = field(default=None)', 'auth: { user, pass }', '@Input() password: string',
    'token = strtok(NULL, " ");', 'char *password = getpass("Password: ");', 'var token CancellationToken', 'private String password;', 'pub token: Option<String>,',
    'fn token(&self) -> &str', 'key={item.id}', '<input type="password" name="password" placeholder="Password">', '<label for="token">Token</label>',
    'useEffect(() => {}, [token, password])', 'case TokenType.STRING: return parseString()', 'sort(key=lambda x: x.name)', 'dict(key="value")', 'key: "src/app.ts"',
    'describe("token refresh", () => {', '✔ rejects an expired token (12 ms)', '✗ password reset sends an email', 'test_password_is_hashed PASSED', 'ok 12 - token: expires',
    'TokenRefreshTest.testExpiredToken FAILED', 'Error: Invalid token at position 42', 'SyntaxError: Unexpected token } in JSON at position 17', 'warning: password is too short',
    'Password must be at least 8 characters', 'Enter password:', 'password for me:', 'Password: ', 'No API key found', 'error: authentication token missing',
    'auth: ok', 'session: 42 tasks', 'key: value', 'pass: 12 fail: 0', 'pass 41/42', 'Tests: 3 failed, 120 passed', 'secret scanning: enabled',
    // Placeholders of documentation.
    'API_KEY=your_api_key_here', 'export OPENAI_API_KEY="sk-..."', 'ANTHROPIC_API_KEY=sk-ant-...', 'TOKEN=<token>', 'PASSWORD=changeme', 'password: ********', 'token: xxxxxxxxxxxx',
    'Authorization: Bearer <token>', 'Authorization: Bearer YOUR_TOKEN', 'https://user:password@host/path', 'postgres://user:pass@localhost:5432/db', 'curl -u username:password x',
    'https://$USER:$PASS@host/', 'curl -H "Authorization: Bearer ${TOKEN}" x', 'mysql -u root -p shop', 'docker login -u me --password-stdin', 'API_KEY=${API_KEY:?}',
    'DB_PASSWORD=$(cat /run/secrets/db)', 'set the token with --token', 'pass a token with `--token <token>`', 'password=%PASSWORD%', 'AKIAIOSFODNN7EXAMPLE', 'TOKEN=', 'SECRET=""',
    // Minified code, long ids, prose.
    'function(e,t){var n=e.token,r=t.password;return n&&r?a(n,r):null}', '!function(e){"use strict";e.exports=function(t){return t.key||t.id}}(module)',
    'a.b.c=function(e){return e.password||e.token||""}', 'getUserByEmailAndPasswordResetToken2FAv3', 'com.example.security.TokenAuthenticationFilterV2Configuration',
    'node_modules/.pnpm/@babel+core@7.23.0/node_modules/@babel/core', 'src/components/__tests__/PasswordResetForm.spec.tsx:142:17', 'very-long-feature-branch-name-2026-11-30-fix-token-refresh',
    'Basic auth is off', 'the bearer of this letter', 'use basic authentication for version2', 'cookie: none', 'accepts cookies = true', 'tokens: 12,345 in / 678 out',
    '{"input_tokens":1234,"cache_read_input_tokens":56789}', 'max_tokens: 32000', 'token count: 1_024', 'token_budget=200000', '--max-output-tokens 8192', 'key_size=2048', 'keys: 12',
    'http://localhost:8080/token', 'https://api.example.com/oauth/token', 'redis://localhost:6379/0', 'see https://example.com/docs?page=2#password', 'ssh://git@host:22/r.git',
    'npm_lifecycle_event=test', 'npm_config_user_agent=npm/10.2.4 node/v20.20.0 linux x64', 'glpat- is the prefix', 'hf_hub_download(repo_id=x)', 'xox is a game', 'sk-learn 1.4.2',
    'rk3588 board', 'ghp_ tokens are classic', 'pul-request-template', 'key-value-store', 'pat-on-the-back', 'fw_printenv', 're_compile_pattern', 'pa-system', 'ek_loop'
  ]
}
