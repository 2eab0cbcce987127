/**
 * Where the files of `exec --as profile` are: a directory for each lease, named by its id, in this one of the runtime
 * directory. The command line writes and removes them; brokerd's sweep removes those whose lease has ended.
 */
export function profileDirectory(runtimeDir: string): string {
  return `${runtimeDir}/profiles`;
}
