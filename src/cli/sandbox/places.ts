/**
 * What a confined command finds of the machine. It is a list of what is there, not of what is hidden: what stands in none of them, the
 * user's other projects and every file of credentials among them, is not there at all.
 */

/** Programs, libraries and settings of the system, read-only; each where it is there. */
export const SYSTEM_PLACES: readonly string[] = [
  ...["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu", "/snap"],
  "/home/linuxbrew/.linuxbrew",
];

/** The same of macOS, `Library` without its keychains. */
export const MAC_SYSTEM_PLACES: readonly string[] = [
  ...["/usr", "/bin", "/sbin", "/System", "/opt", "/Applications", "/private/etc", "/private/var/select"],
  ...["/private/var/db/timezone", "/private/var/db/xcode_select_link", "/Library/Apple", "/Library/Developer"],
  ...["/Library/Frameworks", "/Library/Java", "/Library/Perl", "/Library/Preferences/Logging", "/nix"],
];

/**
 * In the home, read-only: where version managers and package managers put programs and libraries, and who the user is to git. No start
 * file of a shell: many people keep tokens there. No directory of settings as a whole: `.cargo` has one of credentials, `.m2` too.
 */
export const HOME_PLACES: readonly string[] = [
  ...[
    ".gitconfig",
    ".config/git/config",
    ".config/git/ignore",
    ".config/git/attributes",
    ".gitignore",
    ".gitignore_global",
  ],
  ...[
    "bin",
    "go",
    "miniconda3",
    "anaconda3",
    ".tool-versions",
    ".nvmrc",
    ".node-version",
    ".python-version",
    ".ruby-version",
  ],
  ...[".local/bin", ".local/lib", ".local/pipx", ".local/state/nix/profiles", ".nix-profile"],
  ...["claude", "fnm", "mise", "pipx", "pnpm", "rtx", "uv"].map((name) => `.local/share/${name}`),
  ...[".asdf", ".bun", ".deno", ".dotnet", ".fnm", ".jenv", ".npm-global", ".nvm", ".pyenv", ".rbenv", ".rustup"],
  ...[".tfenv", ".tenv", ".volta", ".cargo/bin", ".cargo/registry", ".cargo/git", ".krew/bin", ".pulumi/bin"],
  ...[".sdkman/candidates", ".m2/repository", ".terraform.d/plugins", ".terraform.d/plugin-cache"],
];

/** Empty, writable, and gone with the command. */
export const SCRATCH_PLACES: readonly string[] = ["/tmp", "/var/tmp"];
export const HOME_SCRATCH_PLACES: readonly string[] = [".cache"];

/** Sockets, devices and other processes: none of them is ever shown. */
export const NEVER_PLACES: readonly string[] = ["/run", "/proc", "/dev"];

/** What of ours a confined command is lent. */
export const LENT_DIRECTORY = "/run/credbroker";
