import { crc32, deflateRawSync } from "node:zlib";

export interface ZipItem {
  readonly name: string;
  readonly content?: string | Buffer;
  /** st_mode; a file 0644 by default. */
  readonly mode?: number;
  /** Without compression. */
  readonly isStored?: boolean;
  /** Said in place of what is true. */
  readonly bytes?: number;
  readonly crc?: number;
  readonly flags?: number;
  readonly method?: number;
}

const FILE = 0o100644;
export const LINK = 0o120777;
export const PROGRAM = 0o100755;

/** A zip archive as hostile as a test wants it. */
export function zipArchive(items: readonly ZipItem[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const item of items) {
    const name = Buffer.from(item.name);
    const content = Buffer.from(item.content ?? "");
    const data = item.isStored ? content : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(item.flags ?? 0x800, 2);
    fields.writeUInt16LE(item.method ?? (item.isStored ? 0 : 8), 4);
    fields.writeUInt32LE(item.crc ?? crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(item.bytes ?? content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const attributes = Buffer.alloc(14);
    attributes.writeUInt32LE(((item.mode ?? FILE) << 16) >>> 0, 6);
    attributes.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004", "latin1"), fields, name, data]);
    central.push(Buffer.concat([Buffer.from("PK\u0001\u0002", "latin1"), Buffer.of(20, 3), fields, attributes, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(items.length, 4);
  end.writeUInt16LE(items.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\u0005\u0006", "latin1"), end]);
}
