/* eslint-disable @stylistic/quotes, no-template-curly-in-string -- texts as they are found */
import type { Random } from './random.js'
import { alphabets, type MadeUp } from './secrets.js'

type Letters = ReturnType<typeof alphabets>

/** Where a made-up secret stands in a text that documentation shows; `§` is its place. */
type Example = readonly [text: string, make: (a: Letters) => string]

const azureKey = (a: Letters) => `${a.b64(86)}==`
const awsSecret = (a: Letters) => a.b64(40)
const password = (a: Letters) => a.password()
const hex32 = (a: Letters) => a.hex(32)
const jwt = (a: Letters) => `${a.json({ alg: 'HS256', typ: 'JWT' })}.${a.json({ iss: 'x', role: 'service_role', iat: 1_785_000_000, exp: 2_100_000_000 })}.${a.url(43)}`
const basic = (a: Letters) => Buffer.from(`deploy:${a.password()}`).toString('base64')

/** Secrets in files, commands, headers and reports as the documentation of some sixty tools shows them. */
const EXAMPLES: readonly Example[] = [
  // Clouds.
  ['https://acct.blob.core.windows.net/c/b.txt?sp=r&st=2026-01-01T00:00:00Z&se=2026-12-31T00:00:00Z&spr=https&sv=2024-11-04&sr=b&sig=§', (a) => encodeURIComponent(`${a.b64(43)}=`)],
  ['BlobEndpoint=https://x.blob.core.windows.net/;SharedAccessSignature=sv=2024-11-04&ss=b&srt=sco&se=2026-12-31&sig=§', (a) => `${a.b62(43)}%3D`],
  ['HostName=hub.azure-devices.net;DeviceId=d1;SharedAccessKey=§', (a) => `${a.b64(43)}=`],
  ['Endpoint=https://x.azconfig.io;Id=abcd;Secret=§', (a) => `${a.b64(43)}=`],
  ['Server=tcp:x.database.windows.net,1433;Initial Catalog=db;User ID=me;Password=§;Encrypt=True;', password],
  ['az storage blob list --account-name x --account-key §', azureKey],
  ['{\n  "appId": "1b2c",\n  "displayName": "ci",\n  "password": "§",\n  "tenant": "3d4e"\n}', (a) => `${a.b62(3)}8Q~${a.url(34)}`],
  ['AZURE_CLIENT_SECRET=§', (a) => `${a.b62(3)}8Q~${a.url(34)}`],
  ['{"type": "service_account", "project_id": "p", "private_key_id": "§", "client_email": "x@p.iam.gserviceaccount.com"}', (a) => a.hex(40)],
  ['{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n§\\n-----END PRIVATE KEY-----\\n", "client_id": "1"}', (a) => a.b64(200)],
  ['[default]\naws_access_key_id = ASIAIOSFODNN7ABCDEFG\naws_secret_access_key = §\nregion = eu-west-1', awsSecret],
  ['export AWS_SESSION_TOKEN="§"', (a) => `IQoJb3JpZ2luX2VjE${a.b64(300)}==`],
  ['{\n  "Credentials": {\n    "AccessKeyId": "ASIA",\n    "SecretAccessKey": "§",\n    "Expiration": "2026-12-01T00:00:00Z"\n  }\n}', awsSecret],
  ['{"Credentials":{"SessionToken":"§","Expiration":"2026"}}', (a) => `FwoGZXIvYXdzE${a.b64(280)}=`],
  ['AWS Secret Access Key [None]: §', awsSecret],
  ['$Env:AWS_SECRET_ACCESS_KEY="§"', awsSecret],
  ['https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260101&X-Amz-Signature=§', (a) => a.hex(64)],
  ['https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=900&X-Goog-Signature=§', (a) => a.hex(256)],
  ['d123.cloudfront.net/x?Expires=1785000000&Signature=§&Key-Pair-Id=K2JCJMDEHXQW5F', (a) => a.url(342)],
  // Services.
  ["curl -X POST https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json -u AC0123:§", hex32],
  ['TWILIO_AUTH_TOKEN=§', hex32],
  ['client = Client("AC0123456789abcdef0123456789abcdef", "§")', hex32],
  ['TWILIO_API_KEY_SECRET: §', (a) => a.b62(32)],
  ["curl -s --user 'api:§' https://api.mailgun.net/v3/x/messages", (a) => `${a.hex(32)}-${a.hex(8)}-${a.hex(8)}`],
  ['curl -H "DD-APPLICATION-KEY: §" https://api.datadoghq.com/api/v1/x', (a) => a.hex(40)],
  ['api_key: §\nsite: datadoghq.eu', hex32],
  ['Sentry.init({ dsn: "https://§@o123456.ingest.sentry.io/4505" })', hex32],
  ['[auth]\ntoken=§\n[defaults]\norg=x', (a) => `sntrys_${a.json({ iat: 1_785_000_000, url: 'https://sentry.io' })}_${a.b64(43)}`],
  ['https://discordapp.com/api/webhooks/1123456789012345678/§', (a) => a.url(68)],
  ["client.login('§')", (a) => `MTA${a.b62(21)}.G${a.url(5)}.${a.url(38)}`],
  ['curl https://api.telegram.org/bot§/getMe', (a) => `${a.digits(10)}:AA${a.url(33)}`],
  ['Authorization: Bot §', (a) => `MTE${a.b62(23)}.G${a.url(5)}.${a.url(38)}`],
  ['SHOPIFY_API_SECRET=§', hex32],
  ['X-Shopify-Access-Token: §', (a) => `shpca_${a.hex(32)}`],
  ['Square-Version: 2026-01-22\nAuthorization: Bearer §', (a) => `EAAAl${a.url(59)}`],
  ['doctl auth init -t §', (a) => `dop_v1_${a.hex(64)}`],
  ['machine api.heroku.com\n  login me@x.example\n  password §', (a) => a.uuid()],
  ['HEROKU_API_KEY=§ git push', (a) => a.uuid()],
  ['vercel deploy --prod --token=§', (a) => a.b62(24)],
  ['VERCEL_TOKEN: §', (a) => a.b62(24)],
  ['netlify deploy --auth §', (a) => `nfp_${a.b62(36)}`],
  ['NETLIFY_AUTH_TOKEN=§', (a) => a.url(43)],
  ['curl -H "X-Auth-Email: me@x.example" -H "X-Auth-Key: §" https://api.cloudflare.com/client/v4/zones', (a) => a.hex(37)],
  ['CLOUDFLARE_API_TOKEN=§ npx wrangler deploy', (a) => a.url(40)],
  ['cloudflared tunnel run --token §', (a) => Buffer.from(JSON.stringify({ a: a.hex(32), t: a.uuid(), s: a.b64(44) })).toString('base64')],
  ['SUPABASE_SERVICE_ROLE_KEY=§', jwt],
  ["createClient('https://x.supabase.co', '§')", jwt],
  ['mysql://u123:§@aws.connect.psdb.cloud/db?sslaccept=strict', (a) => `pscale_pw_${a.url(43)}`],
  ['[DEFAULT]\nhost = https://adb-1.2.azuredatabricks.net\ntoken = §', (a) => `dapi${a.hex(32)}`],
  ['[connections.dev]\naccount = "x"\nuser = "me"\npassword = "§"', password],
  ['snowflake://me:§@acct/db/schema?warehouse=wh', password],
  ['Authorization: SSWS §', (a) => `00${a.url(40)}`],
  ['OKTA_CLIENT_TOKEN=§', (a) => `00${a.url(40)}`],
  ['AUTH0_CLIENT_SECRET=§', (a) => a.url(64)],
  ['{"client_id":"abc","client_secret":"§","audience":"https://x.auth0.com/api/v2/","grant_type":"client_credentials"}', (a) => a.url(64)],
  ['{"access_token":"§","token_type":"Bearer","expires_in":86400}', jwt],
  // Headers and cookies.
  ['Authorization: Basic §', basic],
  ['authorization: Digest username="me", realm="x", nonce="abc", uri="/", response="§"', hex32],
  ['> GET / HTTP/1.1\n> Host: x\n> Authorization: Basic §\n> User-Agent: curl/8.5', basic],
  ['set-cookie: __Host-next-auth.session-token=§; Path=/; Secure; HttpOnly', (a) => a.uuid()],
  ['Cookie: _ga=GA1.2.3; sessionid=§; csrftoken=abc', (a) => a.lower(32)],
  ["curl 'https://x.example/' -b 'sid=§'", (a) => a.b62(32)],
  ["fetch(url, { headers: { 'x-api-key': '§' } })", (a) => a.b62(40)],
  ['requests.get(url, auth=("me", "§"))', password],
  ['grpcurl -H "authorization: bearer §" x:443 list', (a) => a.b62(40)],
  // Databases.
  ['psql postgresql://app:§@db.example:5432/shop?sslmode=require', password],
  ['PGPASSWORD="§" psql -h db -U app', password],
  ['mongosh "mongodb+srv://c0.x.mongodb.net/" --username me --password §', password],
  ['mongodb://me:§@h1:27017,h2:27017/x?replicaSet=rs0', password],
  ['rediss://default:§@x.upstash.io:6379', hex32],
  ['REDISCLI_AUTH=§ redis-cli ping', password],
  ['amqp://me:§@mq.example:5672/%2f', password],
  ['mysqldump -u root --password="§" shop', password],
  ['clickhouse-client --user me --password §', password],
  ['cqlsh -u cassandra -p § host', password],
  ['spring.r2dbc.password: §', password],
  ['CREATE USER app WITH ENCRYPTED PASSWORD \'§\';', password],
  // Files of tools.
  ['machine github.com login me password §', (a) => a.b62(40)],
  ['//npm.pkg.github.com/:_authToken=§', (a) => `ghp_${a.b62(36)}`],
  ['_auth="§"', basic],
  ['[testpypi]\nusername = __token__\npassword = §', (a) => `pypi-AgENdGVzdC5weXBpLm9yZw${a.url(140)}`],
  ['{"auths":{"https://index.docker.io/v1/":{"auth":"§"}}}', basic],
  ['apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: §', (a) => Buffer.from(a.password()).toString('base64')],
  ['users:\n- name: admin\n  user:\n    client-key-data: §', (a) => `LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ${a.b64(200)}`],
  ['- name: gke\n  user:\n    auth-provider:\n      config:\n        access-token: §', (a) => `ya29.a0${a.url(160)}`],
  ['KEY_PASSWORD=§\nstoreFile=release.jks', password],
  ['RELEASE_STORE_PASSWORD=§', password],
  ['signing.password=§', password],
  ['systemProp.gradle.wrapperPassword=§', password],
  ['xcrun notarytool submit a.zip --apple-id me@x.example --password § --team-id T', (a) => [4, 4, 4, 4].map(() => a.letters(4).toLowerCase()).join('-')],
  ['security unlock-keychain -p § build.keychain', password],
  ['FASTLANE_APPLE_APPLICATION_SPECIFIC_PASSWORD=§', (a) => [4, 4, 4, 4].map(() => a.letters(4).toLowerCase()).join('-')],
  ['$env:DB_PASSWORD = \'§\'', password],
  ['ConvertTo-SecureString "§" -AsPlainText -Force', password],
  ['[Environment]::SetEnvironmentVariable("API_KEY", "§", "User")', (a) => a.b62(32)],
  ['setx GITHUB_TOKEN §', (a) => `ghp_${a.b62(36)}`],
  ['[database]\nurl = "x"\npassword = "§"', password],
  ['smtp:\n  auth:\n    user: me\n    pass: §', password],
  ['<server>\n  <id>nexus</id>\n  <username>me</username>\n  <password>§</password>\n</server>', password],
  ['<add name="Db" connectionString="Data Source=x;User ID=sa;Password=§" />', password],
  ['credentials "app.terraform.io" {\n  token = "§"\n}', (a) => `${a.b62(14)}.atlasv1.${a.url(67)}`],
  ['"db_password": {\n  "value": "§",\n  "sensitive": true\n}', password],
  ['set -gx OPENAI_API_KEY §', (a) => `sk-proj-${a.url(74)}T3BlbkFJ${a.url(74)}`],
  ['fish> set -x DB_PASS §', password],
  ['ansible_become_password: §', password],
  ['vault kv put secret/db password=§', password],
  ['ARG_TOKEN=§ docker build --secret id=t,env=ARG_TOKEN .', (a) => a.b62(32)],
  ['gpg --batch --passphrase § -d a.gpg', password],
  ['smbclient //h/s -U me%§', password],
  ['rclone config create r s3 secret_access_key=§', awsSecret],
  ['http -a me:§ https://x.example', password],
  ['lftp -u me,§ sftp://h', password],
  ['svn co https://x --username me --password §', password],
  ['composer config --global github-oauth.github.com §', (a) => `ghp_${a.b62(36)}`],
  ['bundle config set gems.example.com me:§', password],
  ['poetry config http-basic.x me §', password],
  ['dotnet nuget push a.nupkg --api-key § -s x', (a) => `oy2${a.lower(43)}`],
  ['gem push --key x; :rubygems_api_key: §', (a) => `rubygems_${a.hex(48)}`],
  ['cargo login §', (a) => `cio${a.b62(32)}`]
]

/** A secret of each example. */
export function makeDocumentedSecrets (random: Random): MadeUp[] {
  const a = alphabets(random)
  return EXAMPLES.map(([text, make]) => {
    const secret = make(a)
    return { kind: 'from documentation', id: text, secret, text: text.replaceAll('§', secret) }
  })
}

/** What reports, terminals and tools for versions put around lines. */
export const LAYOUTS: Readonly<Record<string, (text: string) => string>> = {
  'added lines': (text) => `@@ -1 +1,9 @@\n${text.replace(/^/gm, '+')}\n context`,
  'removed lines': (text) => `@@ -1,9 +1 @@\n${text.replace(/^/gm, '-')}\n context`,
  'numbered lines': (text) => text.split('\n').map((line, index) => `${String(index + 1).padStart(6)}→${line}`).join('\n'),
  'a table of Markdown': (text) => `| file | content |\n|---|---|\n| a | \`${text.replaceAll('\n', '<br>')}\` |`,
  'a quotation': (text) => text.replace(/^/gm, '> '),
  'a log of a container': (text) => text.replace(/^/gm, 'web-1  | 2026-11-30T12:00:00Z '),
  grep: (text) => text.split('\n').map((line, index) => `config/app.conf:${index + 1}:${line}`).join('\n'),
  'wrapped lines': (text) => text.replace(/[^\n]{100}/g, '$&\n')
}

/** What only looks like a secret: of lock files, build output, types, pipelines and translations. */
export function makeDocumentedLookalikes (random: Random): string[] {
  const a = alphabets(random)
  return [
    `    resolved "https://registry.yarnpkg.com/a/-/a-1.2.3.tgz#${a.hex(40)}"`, `      integrity: sha512-${a.b64(86)}==`, `  checksum: 10c0/${a.hex(128)}`,
    `source = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${a.hex(64)}"`, `{file = "a-1.0-py3-none-any.whl", hash = "sha256:${a.hex(64)}"}`,
    `    --hash=sha256:${a.hex(64)} \\`, `PODFILE CHECKSUM: ${a.hex(40)}`, `"reference": "${a.hex(40)}"`, `specs:\n  revision: ${a.hex(40)}`, `"narHash": "sha256-${a.b64(43)}="`,
    `[main ${a.hex(7)}] feat(auth): add password reset`, `HEAD is now at ${a.hex(9)} Rotate tokens`, `From ${a.hex(40)} Mon Sep 17 00:00:00 2001`, `diff --git a/token.ts b/token.ts\nindex ${a.hex(10)}..${a.hex(10)}`,
    `Successfully built ${a.hex(12)}`, `FROM node:20@sha256:${a.hex(64)}`, `pushed layer: sha256:${a.hex(64)}`, `uuid: "${a.uuid()}"`, `correlationId=${a.uuid()}`, `X-Request-Id: ${a.uuid()}`,
    `traceparent: 00-${a.hex(32)}-${a.hex(16)}-01`, `"_id": ObjectId("${a.hex(24)}")`, `{"threadId":"${a.uuid()}","parentUuid":"${a.uuid()}"}`, `src/app.${a.hex(20)}.bundle.js`, `vendors~main-${a.hex(20)}.css`,
    `![logo](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg${a.b64(160)}=)`, `<img src="data:image/svg+xml;base64,PHN2ZyB4bWxucz0i${a.b64(120)}">`, `"mappings": "AAAA,SAASA,${a.caps(4)},CAAC"`,
    '<button data-testid="password-reset-submit-button">Reset</button>', 'screen.getByTestId("token-input-field")', 'cy.get("[data-cy=login-password]")', 'id="auth-token-form-2026"',
    'interface Login { user: string; password: string; token?: string | null }', 'type Keys = { apiKey: string, secret: Buffer }', 'export type AuthToken = z.infer<typeof authTokenSchema>', 'password?: string', 'apiKey!: string',
    'token: ${{ secrets.GITHUB_TOKEN }}', 'with:\n  token: ${{ github.token }}', 'AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}', 'env:\n  API_KEY: $(ApiKey)', 'password: !vault |', 'password: ${env:DB_PASSWORD}', 'password = "${var.db_password}"', 'api_key = data.vault_generic_secret.x.data["api_key"]',
    'const key = process.env.API_KEY', 'API_KEY = os.environ["API_KEY"]', 'let token = std::env::var("API_TOKEN")?;', 'string? apiKey = Environment.GetEnvironmentVariable("API_KEY");', 'token := os.Getenv("API_TOKEN")', 'apiKey: import.meta.env.VITE_API_KEY', 'password: config.get("db.password")', 'secret: Deno.env.get("SECRET")',
    'API_KEY=replace-me', 'DB_PASSWORD=<your-password>', 'export TOKEN=...', 'SECRET_KEY=REPLACE_WITH_YOUR_SECRET', 'password: "your-password-here"', 'client_secret: YOUR_CLIENT_SECRET', 'STRIPE_SECRET_KEY=sk_test_...', 'token=[REDACTED]', 'Authorization: Bearer ***', 'GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'AKIAXXXXXXXXXXXXXXXX',
    '"login.password": "Passwort"', '"auth.token.expired": "Das Token ist abgelaufen"', '"password": "Password"', '"passwordPlaceholder": "Enter your password"', 'label.password=Mot de passe', 'msgid "Password"\nmsgstr "Contraseña"', 'token: "Token"', '"secret": "Secret"',
    '!function(t,e){"object"==typeof exports?module.exports=e():t.token=e()}(this,function(){return{key:1}})', 'var a=e.password,b=e.token||t.secret,c={key:a,auth:b,session:!0}', 'e.headers.Authorization="Bearer "+t.accessToken', 'n.d(t,{Key:()=>r,Token:()=>i,default:()=>o})',
    'password must contain at least 8 characters', 'Invalid API key: key not found', 'the secret: keep it simple', 'Token usage: input 12034, output 889', 'session: restored', 'key: ArrowDown', 'onKeyDown={(event) => event.key === "Enter"}', 'token type: identifier',
    'PASS src/auth/token.test.ts (5.123 s)', 'FAIL test/password.spec.ts > resets a password', '  ✓ token: rejects "expired" (3ms)', 'not ok 3 - secret: hides', 'test_token_auth.py::test_api_key[invalid-key-format] PASSED',
    'Cookie: <cookie>', 'Set-Cookie: theme=dark; Path=/', 'Basic realm="Restricted"', 'WWW-Authenticate: Bearer realm="x", error="invalid_token"', 'auth=none', 'auth: basic', 'pwd: /home/me/project', 'PWD=/home/me/project', 'OLDPWD=/srv/app/current', 'SSH_AUTH_SOCK=/tmp/ssh-XXXXXXabc123/agent.4242', 'GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568',
    'KEY_FILE=/etc/ssl/private/server.key', 'secretName: db-credentials', 'tokenPath: /var/run/secrets/token', 'password_file: /run/secrets/db_password', 'PASSWORD_MIN_LENGTH=12', 'token_expiry: 3600', 'TOKEN_TTL=24h', 'key_prefix: app:cache:', 'primary key: user_id', 'public_key: id_ed25519.pub', 'foreign_key="user.id"', 'sort_key: created_at', 'cache-key: v1-deps-{{ checksum "package-lock.json" }}', `key: node-modules-Linux-${a.hex(64)}`
  ]
}
