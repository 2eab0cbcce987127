type Environment = Readonly<Record<string, string | undefined>>;

/** All that brokerd takes from the environment that starts it; everything else (NODE_OPTIONS, LD_*, keys, profiles) stays outside. */
const ALLOWED_NAMES = new Set([
  ...["HOME", "USER", "PATH", "LANG", "TZ", "DBUS_SESSION_BUS_ADDRESS"],
  ...["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"],
  ...[
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_ECS",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_CLOUDFORMATION",
    "AWS_ENDPOINT_URL_SIGNIN",
  ],
  ...["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "ca", "cafile"],
  // Lower case is the older and, for http_proxy, the only spelling that some tools know.
  ...["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"],
  // Where systemd puts a passphrase for us (systemd.exec(5), LoadCredential=).
  "CREDENTIALS_DIRECTORY",
]);
const ALLOWED_PREFIXES = ["LC_", "XDG_", "CREDBROKER_"];

/** An SDK client with explicit keys still follows `[default] endpoint_url` of the user's files: it gets empty ones. */
const NOTHING = "/dev/null";
const SDK_SETTINGS = {
  AWS_CONFIG_FILE: NOTHING,
  AWS_SHARED_CREDENTIALS_FILE: NOTHING,
  // Which Node runs us is for our own `engines` to say, not for a warning on a user's terminal.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
};

/** Where ECS and EKS offer a container's credentials (AWS SDKs and Tools Reference Guide, container credential provider), for a source of type `container`. */
const CONTAINER_HOSTS = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]);

/** The environment that brokerd runs with: what is allowed of `env`, and the SDK's files pointing at nothing. */
export function cleanEnvironment(env: Environment): Record<string, string> {
  const container = containerNames(env);
  const allowed = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (isAllowed(entry[0]) || container.includes(entry[0])),
  );
  return { ...Object.fromEntries(allowed), ...SDK_SETTINGS };
}

/** The same, in place: for the environment of a process that runs already, its SDK and its children. */
export function cleanEnvironmentInPlace(env: NodeJS.ProcessEnv): void {
  const clean = cleanEnvironment(env);
  for (const name of Object.keys(env)) {
    // An assignment would not do: process.env turns undefined into the text "undefined".
    if (!(name in clean)) Reflect.deleteProperty(env, name);
  }
  Object.assign(env, clean);
}

function isAllowed(name: string): boolean {
  return ALLOWED_NAMES.has(name) || ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Never those of a loopback endpoint: a credential broker's, and with our own we would ask ourselves. */
function containerNames(env: Environment): readonly string[] {
  const full = env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
  const hasFull = URL.canParse(full) && CONTAINER_HOSTS.has(new URL(full).hostname);
  return [
    ...(env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]?.startsWith("/")
      ? ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
      : []),
    ...(hasFull ? ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] : []),
    ...(hasFull ? ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] : []),
  ];
}
