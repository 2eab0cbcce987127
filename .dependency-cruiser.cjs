/**
 * The layer rules of docs/architecture.md. A file may import from lower layers only:
 * L0 core · L0.5 files, which anyone may import · L1 the process and its machine · L2 services · L3 transports · L4 daemon and cli · L5 entries.
 */
const L1 = "system|http|aws|secrets|config|control-api|runtime-api";
const L2 = "credentials|leases|sso|lambda|audit|requests";
const rule = (name, from, to, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, pathNot: "\\.d\\.ts$" }, to: {} },
    rule("core-imports-nothing", "^src/core/", "^src/(?!core/)", "vocabulary stands alone"),
    rule("core-has-no-packages", "^src/core/", "node_modules", "vocabulary stands alone"),
    rule("files-stand-on-core", "^src/files/", "^src/(?!files/|core/)|node_modules", "anyone may import it, by value"),
    rule(
      "l1-knows-no-services",
      `^src/(${L1})/`,
      `^src/(${L2}|endpoint|control|lease-socket|ui|daemon|cli)/`,
      "L1 never imports L2 or above",
    ),
    {
      name: "l1-folders-stand-apart",
      comment: "L1 folders do not lean on each other; what system offers comes by type",
      severity: "error",
      from: { path: `^src/(${L1})/` },
      to: { path: `^src/(${L1})/`, pathNot: "^src/($1|system)/" },
    },
    {
      name: "l1-takes-system-by-type",
      comment: "L1 folders get clock, logger and files passed in",
      severity: "error",
      from: { path: "^src/(http|aws|secrets|config|control-api|runtime-api)/" },
      to: { path: "^src/system/", dependencyTypesNot: ["type-only"] },
    },
    rule(
      "services-know-no-transport",
      `^src/(${L2})/`,
      "^src/(http|control-api|endpoint|control|lease-socket|ui|daemon|cli)/|node_modules/express",
      "L2 never imports L3 or above",
    ),
    {
      name: "services-stand-apart",
      comment: "what two of them need lives in core; what one needs of another is passed in by daemon/",
      severity: "error",
      from: { path: `^src/(${L2})/` },
      to: { path: `^src/(${L2})/`, pathNot: "^src/$1/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "services-take-l1-by-type",
      comment: "values are passed in by daemon/",
      severity: "error",
      from: { path: `^src/(${L2}|endpoint|control|lease-socket|ui)/` },
      to: { path: "^src/(system|aws|secrets|config)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "transports-take-services-by-type",
      comment: "values are passed in by daemon/",
      severity: "error",
      from: { path: "^src/(endpoint|control|lease-socket|ui)/" },
      to: { path: `^src/(${L2})/`, dependencyTypesNot: ["type-only"] },
    },
    rule(
      "endpoint-apart-from-control",
      "^src/endpoint/",
      "^src/(control|control-api|lease-socket|ui|daemon|cli|config|aws|secrets|sso)/",
      "data plane and control plane never meet",
    ),
    rule(
      "control-apart-from-endpoint",
      "^src/control/",
      "^src/(endpoint|lease-socket|ui|daemon|cli)/",
      "data plane and control plane never meet",
    ),
    rule("lease-socket-is-a-transport", "^src/lease-socket/", "^src/(ui|daemon|cli)/", "it is given what it serves"),
    rule("ui-is-a-transport", "^src/ui/", "^src/(endpoint|lease-socket|daemon|cli)/", "it is given what it serves"),
    {
      name: "lease-socket-and-ui-take-control-by-type",
      comment: "what a lease or a page may ask for is an operation of control, passed in by daemon/",
      severity: "error",
      from: { path: "^src/(lease-socket|ui)/" },
      to: { path: "^src/control/", dependencyTypesNot: ["type-only"] },
    },
    rule("daemon-apart-from-cli", "^src/daemon/", "^src/(cli|runtime-api)/", "two programs"),
    rule(
      "cli-speaks-only-through-the-socket",
      "^src/(cli/|brokerctl)",
      `^src/(aws|secrets|config|${L2}|endpoint|control|lease-socket|ui|daemon)/`,
      "the CLI holds no secret and no logic",
    ),
    {
      name: "only-forward-listens",
      comment: "what listens in the CLI does so within the limits and the guard of the endpoint",
      severity: "error",
      from: { path: "^src/(cli/|brokerctl)", pathNot: "^src/cli/forward/" },
      to: { path: "^src/http/" },
    },
    {
      name: "cli-stays-light",
      comment: "the CLI stays fast; what one command alone needs is loaded when it runs",
      severity: "error",
      from: { path: "^src/(cli/|brokerctl)", pathNot: "^src/cli/mcp/" },
      to: { path: "node_modules/(@aws-sdk|@smithy|express|zod|pino|@napi-rs)/" },
    },
    {
      name: "page-is-for-a-browser",
      comment: "it knows the contract and the vocabulary, and nothing of Node; the library that draws it is its alone",
      severity: "error",
      from: { path: "^src/page/" },
      to: { path: "^src/(?!page/|core/|control-api/)|node_modules/(?!preact/)" },
    },
    {
      name: "page-has-no-node",
      severity: "error",
      from: { path: "^src/page/" },
      to: { dependencyTypes: ["core"] },
    },
    rule("page-is-built-apart", "^src/(?!page/)", "^src/page/|node_modules/preact/", "brokerd serves it as files"),
    rule(
      "entries-are-not-imported",
      "^src/",
      "^src/(brokerd|brokerctl|keychain-child|lambda-bootstrap|load-chunk)\\.ts$",
      "entries are leaves",
    ),
    {
      name: "only-aws-imports-the-sdk",
      severity: "error",
      from: { pathNot: "^src/aws/" },
      to: { path: "node_modules/@(aws-sdk|smithy)/" },
    },
    {
      name: "only-secrets-imports-the-keyring",
      severity: "error",
      from: { pathNot: "^src/secrets/" },
      to: { path: "node_modules/@napi-rs/keyring" },
    },
    {
      name: "only-config-control-and-mcp-import-zod",
      severity: "error",
      from: { pathNot: "^src/(config|control|cli/mcp)/" },
      to: { path: "node_modules/zod/" },
    },
    {
      name: "only-mcp-imports-its-sdk",
      severity: "error",
      from: { pathNot: "^src/cli/mcp/" },
      to: { path: "node_modules/@modelcontextprotocol/" },
    },
    {
      name: "mcp-is-loaded-when-it-is-served",
      comment: "the server and zod with it are for one command",
      severity: "error",
      from: { path: "^src/cli/", pathNot: "^src/cli/mcp/" },
      to: { path: "^src/cli/mcp/(serve|tools)\\.ts$", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
