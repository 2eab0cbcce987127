import type { Environment } from "../context.js";

/**
 * Variables that a confined command keeps: where programs are, how the terminal is, the user's language, the way to the network. What
 * is not named here is often a secret (GITHUB_TOKEN) or a way to a socket (SSH_AUTH_SOCK, DBUS_SESSION_BUS_ADDRESS, TMUX).
 */
const KEPT = new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "SHLVL", "LANG", "LANGUAGE", "TZ", "LOCALE_ARCHIVE"],
  ...["TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLUMNS", "LINES", "TERMINFO", "TERMINFO_DIRS"],
  ...["NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "EDITOR", "VISUAL", "PAGER", "GIT_PAGER", "LESS", "CI"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NIX_SSL_CERT_FILE"],
  ...["NODE_EXTRA_CA_CERTS", "NODE_ENV", "NODE_PATH", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME"],
  ...[
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GOFLAGS",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "NVM_DIR",
    "NVM_BIN",
    "FNM_DIR",
    "VOLTA_HOME",
  ],
  ...["PNPM_HOME", "BUN_INSTALL", "DENO_DIR", "PYENV_ROOT", "RBENV_ROOT", "ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR"],
  ...["SDKMAN_DIR", "DOTNET_ROOT", "TFENV_ROOT", "NIX_PATH", "NIX_PROFILES"],
]);

/** How to reach AWS and how to print: no key, no token, no profile. */
const KEPT_OF_AWS =
  /^AWS_(?:(?:DEFAULT_)?(?:REGION|OUTPUT)|ENDPOINT_URL(?:_[A-Z0-9_]+)?|USE_[A-Z0-9_]+|CA_BUNDLE|PAGER|CLI_(?:PAGER|AUTO_PROMPT)|MAX_ATTEMPTS|RETRY_MODE|DEFAULTS_MODE|STS_REGIONAL_ENDPOINTS|IGNORE_CONFIGURED_ENDPOINT_URLS|SDK_UA_APP_ID|CONFIG_FILE|SHARED_CREDENTIALS_FILE)$/;

/** Tells programs of ours inside, whose way to brokerd is closed, why; its value is what confines. */
export const CONFINED_VARIABLE = "CREDBROKER_CONFINED";

/** What of `env` a confined command keeps, `more` by their names; a lease's variables come on top. */
export function confinedEnvironment(env: Environment, more: readonly string[]): Record<string, string> {
  const keeps = (name: string): boolean =>
    KEPT.has(name) || name.startsWith("LC_") || KEPT_OF_AWS.test(name) || more.includes(name);
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value !== undefined && keeps(name) ? [[name, value]] : [])),
  );
}
