const MICROSOFT = '\\w{3}\\dQ~[\\w~.-]{30,}'
const TELEGRAM = '\\d{8,10}:A[A-Za-z0-9_-]{33,35}(?![\\w-])'
const DISCORD = '[A-Za-z][\\w-]{22,27}\\.[\\w-]{6,7}\\.[\\w-]{27,45}(?![\\w.-])'
const LIKE_STRIPE = '(?!pk|pub)[a-z]{2,12}_(?:live|test|prod|sandbox|secret|pat|apikey|api_key)_(?=[A-Za-z0-9]{0,16}\\d)[A-Za-z0-9]{24,}'
const MAILCHIMP = '[0-9a-f]{32}-us\\d{1,2}'
/** What those have in their middle: they begin with nothing of their own. */
const MIDDLES = new Map<string, readonly string[]>([
  [MICROSOFT, ['\\dQ~']],
  [TELEGRAM, ['\\d:A']],
  [DISCORD, ['\\.[\\w-]{6,7}\\.[\\w-]{27}']],
  [LIKE_STRIPE, ['_live_', '_test_', '_prod_', '_sandbox_', '_secret_', '_pat_', '_apikey_', '_api_key_']],
  [MAILCHIMP, ['-us\\d']]
])

/** Tokens whose beginning tells whose they are; what stands before that is of no importance. */
const ANYWHERE = [
  'sk-ant-[\\w-]{16,}', 'sk-(?:proj|svcacct|admin|or-v1|lf)-(?=[\\w-]{0,64}\\d)[\\w-]{16,}',
  '[sr]k_(?:live|test|prod|org)_[A-Za-z0-9_]{10,}', 'whsec_[A-Za-z0-9+/]{16,}={0,2}',
  'AIza[\\w-]{30,}', 'ya29\\.[\\w-]{20,}', 'GOCSPX-[\\w-]{20,}', '\\b1//0[\\w-]{24,}', 'AQ\\.Ab[\\w-]{24,}',
  'gh[pousr]_[A-Za-z0-9]{30,}', 'gh[pousr]_\\d{1,12}_[\\w.-]{30,}', 'github_pat_[A-Za-z0-9_]{30,}',
  'gl(?:pat|rt|dt|ptt|ft|soat|cbt|imt|agent|oas|ffct|rtr|wt)-[\\w.-]{18,}', 'GR1348941[\\w-]{18,}',
  'xox[abcdeoprs](?:\\.xox[bp])?-[\\w-]{10,}', 'xapp-\\d-[\\w-]{20,}',
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}', 'ABSK[A-Za-z0-9+/]{40,}={0,2}', 'bedrock-api-key-[\\w+/=-]{30,}',
  'npm_[A-Za-z0-9]{30,}', 'pypi-AgE[\\w-]{30,}', 'rubygems_[0-9a-f]{40,}', 'dckr_(?:pat|oat)_[\\w-]{20,}',
  '(?<![A-Za-z0-9])eyJ[\\w-]{8,512}\\.(?:eyJ[\\w-]{8,}(?:\\.[\\w-]*)?|[\\w-]{0,512}\\.[\\w-]{8,64}\\.[\\w-]{8,}\\.[\\w-]{8,})',
  'sntrys_[\\w+/=-]{30,}', 'sntryu_[0-9a-f]{40,}', 'glc_[\\w+/=-]{30,}', 'glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}',
  'SG\\.[\\w-]{16,64}\\.[\\w-]{16,}', 'hv[sbr]\\.[\\w-]{20,}', 'PMAK-[0-9a-f]{24}-[0-9a-f]{30,}', 'AT(?:ATT3|CTT3|STT3|BB)[\\w=-]{24,}',
  'tskey-[a-z]{3,10}-[\\w-]{16,}', 'lin_(?:api|oauth)_[A-Za-z0-9]{24,}', 'fig[dour]{1,2}_[\\w-]{24,}', 'nvapi-[\\w-]{30,}',
  'lsv2_(?:pt|sk)_[0-9a-f]{20,}(?:_[0-9a-f]{1,16})?', 'sha256~[\\w-]{30,}', 'pscale_(?:tkn|oauth|pw)_[\\w.-]{24,}', 'HRKU-[\\w-]{24,}',
  'dop_v1_[0-9a-f]{40,}', 'do[or]_v1_[0-9a-f]{40,}', 'shp(?:at|ss|ca|pa|ua)_[0-9a-fA-F]{24,}', 'AGE-SECRET-KEY-1[A-Z0-9]{40,}',
  'atlasv1\\.[\\w-]{40,}', 'xkeysib-[0-9a-f]{40,}(?:-\\w{8,})?', 'ops_eyJ[\\w+/=-]{40,}', 'sgp_[0-9a-f_]{40,}', 'ntn_[A-Za-z0-9]{30,}',
  'pat[A-Za-z0-9]{14}\\.[0-9a-f]{40,}', 'bkua_[0-9a-f]{30,}', 'CCIPAT_[\\w-]{30,}', 'AKCp[A-Za-z0-9]{50,}', 'sb_secret_[\\w-]{20,}',
  'dt0[a-z]\\d{2}\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}', 'tgp_v\\d_[\\w-]{30,}', 'wandb_v\\d_[\\w-]{40,}', 'CLOJARS_[0-9a-f]{40,}', 'duffel_(?:test|live)_[\\w-]{30,}',
  'FLWSECK(?:_TEST)?-[0-9a-f]{12,}', 'shippo_(?:live|test)_[0-9a-f]{30,}', 'signkey-\\w{2,8}-[0-9a-f]{40,}', 'cal_live_[0-9a-f]{30,}', 'waka_[0-9a-f-]{30,}',
  'v1\\.0-[0-9a-f]{24}-[0-9a-f]{100,}', 'zpka_[0-9a-z]{32}_[0-9a-f]{8}', 'fio-u-[\\w-]{40,}',
  'access-(?:sandbox|production|development)-[0-9a-f-]{30,}', 'sq0(?:atp|csp|idp)-[\\w-]{20,}', MICROSOFT
]

/** Tokens whose beginning may be the end of a word as well. */
const AFTER_NO_WORD = [
  'sk-(?=[A-Za-z0-9-]{0,40}\\d)(?=[\\w-]{0,128}[A-Za-z0-9]{16})[\\w-]{20,}', 'hf_[A-Za-z0-9]{30,}', 'gsk_[A-Za-z0-9]{30,}',
  'xai-[A-Za-z0-9]{30,}', 'pplx-[A-Za-z0-9]{30,}', 'r8_[A-Za-z0-9]{30,}', 'ek_[A-Za-z0-9]{24,}', 'dapi[0-9a-f]{30,}(?:-\\d)?',
  'sbp_[0-9a-f]{32,}', 'fo1_[\\w-]{30,}', 'fm[12][ar]?_[\\w+/=-]{40,}', 'pul-[0-9a-f]{40}', TELEGRAM,
  DISCORD, 'key-[0-9a-f]{32}', 'csk-[a-z0-9]{40,}', 'e2b_[0-9a-f]{32,}',
  'EAA[A-Za-z0-9]{60,}', 'EAAA[\\w-]{50,}', 'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[\\w.]{40,}', 'NRAK-[A-Z0-9]{24,}', 'SK[0-9a-f]{32}',
  'nfp_[A-Za-z0-9]{30,}', 'vc[a-z]_[A-Za-z0-9]{24,}', 'rnd_[A-Za-z0-9]{24,}', 'pcsk_\\w{40,}', 'tvly-[\\w-]{20,}', 'fc-[0-9a-f]{32}',
  'fw_[A-Za-z0-9]{20,}', 'pa-[\\w-]{40,}', 'sk_[0-9a-f]{40,}', 'secret_[A-Za-z0-9]{40,}', 're_[A-Za-z0-9]{6,10}_[A-Za-z0-9]{20,}',
  'sl\\.[\\w-]{60,}', 'sq[apu]_[0-9a-f]{40}', 'pnu_[A-Za-z0-9]{30,}', 'LTAI[A-Za-z0-9]{12,}', 'AKID[A-Za-z0-9]{28,}',
  LIKE_STRIPE,
  'oy2[a-z0-9]{43}(?![a-z0-9])', 'napi_[a-z0-9]{50,}', 'tfp_[\\w-]{40,}', 'EZ[AT]K[A-Za-z0-9]{50,}', 'NRI[IQ]-[\\w-]{30,}', 'sk\\.eyJ[\\w-]{30,}\\.[\\w-]{20,}',
  'A3-[A-Z0-9]{6}-[A-Z0-9]{6}(?:-[A-Z0-9]{5}){3,4}', 'pat\\.[\\w-]{20,24}\\.[0-9a-f]{24}\\.[A-Za-z0-9]{20}', 'API-(?=[A-Z]{0,24}\\d)[A-Z0-9]{25,}', 'xaat-[0-9a-f-]{36}',
  'AQVN[\\w-]{30,}', '(?:sdk|api|mob)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'jina_[A-Za-z0-9]{40,}', 'ico-[A-Za-z0-9]{32}', 'aio_[A-Za-z0-9]{28}', 'phx_[A-Za-z0-9]{30,}',
  MAILCHIMP, 'cio[A-Za-z0-9]{32}', 'rdme_[a-z0-9]{40,}', 'pat-(?:na|eu)\\d-[0-9a-f-]{30,}', 'CFPAT-[\\w-]{40,}'
]

/**
 * The form that most vendors chose since: a short name, perhaps what kind of token it is, and many random characters.
 * Not the ids that models and payment services give to things, nor digests.
 */
export const VENDOR_LIKE = '(?<![A-Za-z0-9/+=.-])(?!(?:msg|toolu|srvtoolu|mcptoolu|call|req|resp|chatcmpl|run|thread|asst|file|evt|cus|' +
  'pi|ch|sub|in|price|prod|acct|card|pm|seti|cs|item|rs|fc|ws|ig|conv|session|sess|gen|batch|step|vs|ft|org|user|usr|proj|' +
  'wrkspc|sha\\d{1,3}|md5|h1|pk|id|img|css|js|index|chunk|vendor|main|page|app|component|_)[_-])' +
  '[A-Za-z][A-Za-z0-9]{1,11}(?:[_-][a-z0-9]{1,8}){0,3}[_-](?=[A-Za-z0-9]{0,64}\\d)(?=[A-Za-z0-9]{0,64}[a-z])(?=[A-Za-z0-9]{0,64}[A-Z])' +
  '[A-Za-z0-9]{28,}(?![/+=])[\\w-]*'

/** Any of them, as the source of a regular expression. */
export const VENDOR_TOKENS = `${ANYWHERE.join('|')}|(?<![A-Za-z0-9])(?:${AFTER_NO_WORD.join('|')})`

/** Beginnings that nothing else has. */
const OWN_PREFIX = '(?:sk-ant-|sk-(?:proj|svcacct|or-v1)-|[sr]k_(?:live|test|prod)_|whsec_|AIza|ya29\\.|GOCSPX-|gh[pousr]_|github_pat_|glpat-|gl(?:rt|dt|ptt|ft|soat|cbt|imt|agent|oas|ffct|rtr|wt)-|' +
  'xox[abcdeoprs][.-]|xapp-|AKIA|ASIA|ABSK|pypi-AgE|dckr_|sntry[su]_|glc_ey|glsa_|SG\\.|hv[sbr]\\.|PMAK-|ATATT3|ATBB|tskey-|lin_api_|fig[dou]_|nvapi-|' +
  'lsv2_|pscale_|HRKU-|AQ\\.Ab|ops_eyJ|shp(?:at|ss|ca|pa)_|do[opr]_v1_|AGE-SECRET|ntn_|sb_secret_|sha256~)'
/** Beginnings that words may have, too. */
const SHARED_PREFIX = '(?:npm_|(?<![\\w/])1//0|(?<!base64,)eyJ|(?<![A-Za-z0-9])(?:sk-|hf_|gsk_|xai-|pplx-|r8_|csk-|e2b_|sbp_|dapi|ek_|fo1_|pul-|key-|rnd_|nfp_|vc[a-z]_|tvly-|pcsk_|\\d{8,10}:A))'

/** What a form begins with, before its first long run of random characters; empty where it begins with that. */
function beginningOf (form: string): string {
  return form.replaceAll(/\(\?=(?:[^()]|\([^()]*\))*\)/g, '').split(/(?:\[[^\]]+\]|\\[wd])\{\d{2,}/)[0] as string
}

const beginnings = (forms: readonly string[]) => forms.map(beginningOf).filter((begin) => /^(?!\(\?!)/.test(begin) && /\w{2}|\w[_.-]/.test(begin) && !/^[[\\]|\{\d+(?:,\d*)?\}$/.test(begin)).join('|')
/** Beginnings of all other forms. */
const ANY_PREFIX = `(?:(?:${beginnings(ANYWHERE)})|(?<![A-Za-z0-9])(?:${beginnings(AFTER_NO_WORD)}))`

/** Beginnings of tokens, as far as they say enough by themselves; the rest may come with a next piece. */
export const TOKEN_PREFIX = `(?:${OWN_PREFIX}|${SHARED_PREFIX})`

/** What of a token may be at the end of a piece. */
export const TOKEN_BEGUN = `(?:${OWN_PREFIX}(?:\\d{1,12}_)?[\\w.~+/=-]{0,1024}|` +
  `${SHARED_PREFIX}(?=[\\w.~+/=-]{0,64}[0-9A-Z])[\\w.~+/=-]{2,1024})$`

/** Same of the others, whose beginning may be a word; group 1 is what follows it. */
export const OTHER_TOKEN_BEGUN = `${ANY_PREFIX}([\\w.~+/=-]{0,1024})$`

/** Says quickly that no token begins in the last characters of a text, so many of which are to be given. */
export const MAY_BEGIN = new RegExp(`${TOKEN_PREFIX}|${ANY_PREFIX}`)
export const MAY_BEGIN_CHARS = 24

/** The first characters of a form, in all ways that it may begin; its middle where that says more. */
function headsOf (form: string): readonly string[] {
  const middle = MIDDLES.get(form)
  if (middle !== undefined) return middle
  let heads = ['']
  let rest = form.replace(/^(?:\(\?<![^)]*\)|\\b)/, '')
  while ((heads[0] as string).length < 4) {
    const part = /^(?:\[([A-Za-z0-9]+)\]|\(\?:([\w|-]+)\)|(\\\.|[\w/-]))(?![?*+{])/.exec(rest)
    if (part === null) break
    const [whole, letters, words, letter] = part
    const ways = letters?.split('') ?? words?.split('|') ?? [letter as string]
    heads = heads.flatMap((head) => ways.map((way) => head + way))
    rest = rest.slice(whole.length)
  }
  return heads[0] === '' ? [form] : heads
}

const HEADS = [...new Set([...ANYWHERE, ...AFTER_NO_WORD].flatMap(headsOf))].sort(byPlainness)

/**
 * Says quickly that a run of characters has none of the tokens. What stands before is not looked at: the `n` of a line
 * break of JSON does.
 */
export const TOKEN_HEAD = HEADS.join('|')

/** A text without one of these, in capitals or not, has no tokens but those that {@link LONG_END} tells. */
export const TOKEN_WORDS: readonly string[] =
  HEADS.map((head) => head.replaceAll(/\\d|\\(?=\.)/g, '')).filter((word) => /^[\w.~:/-]+$/.test(word))
/** What tokens end with that begin with anything. */
export const LONG_END = /[_-][A-Za-z0-9]{28}|\.[\w-]{27}/

/** Plain words first and in order: V8 looks for those all at once. */
function byPlainness (a: string, b: string): number {
  return Number(/\W/.test(a.replaceAll('-', ''))) - Number(/\W/.test(b.replaceAll('-', ''))) || (a < b ? -1 : 1)
}

/** Least length of a token, in characters. */
export const TOKEN_CHARS = 16
/** What tokens are made of. */
export const TOKEN_CHARACTER = /[\w.:~+/=-]/
