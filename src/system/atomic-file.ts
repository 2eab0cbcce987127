/** The few file operations that durability rests on; a recording one proves their order in tests. */
export interface FileSystem {
  /** Creates `path` (it must not exist) with `mode`, writes all of `data`, fsyncs, closes. */
  createDurable(path: string, data: Uint8Array, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** fsync of the directory: without it a rename may not survive a crash. */
  syncDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
}
