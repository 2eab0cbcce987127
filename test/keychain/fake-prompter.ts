import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

const BUS = "org.freedesktop.DBus";
/** The process that owns this name is asked by gnome-keyring to show its password prompts. */
const PROMPTER = "org.gnome.keyring.SystemPrompter";
const OBJECT_PATH = 1;
const INTERFACE = 2;
const MEMBER = 3;
const DESTINATION = 6;
const SIGNATURE = 8;

/** Takes gnome-keyring's prompts and never answers: the user has left. Speaks as much D-Bus as that needs. */
export class FakePrompter {
  readonly #socket: Socket;
  #received = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => (this.#received += data.toString("latin1")));
  }

  static async start(busSocket: string): Promise<FakePrompter> {
    const socket = createConnection(busSocket);
    await once(socket, "connect");
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
    await once(socket, "data");
    socket.write("BEGIN\r\n");
    socket.write(busCall({ serial: 1, member: "Hello" }));
    const prompter = new FakePrompter(socket);
    const doNotQueue = Buffer.from([4, 0, 0, 0]);
    const body = Buffer.concat([text(PROMPTER), padding(text(PROMPTER).length, 4), doNotQueue]);
    socket.write(busCall({ serial: 2, member: "RequestName", signature: "su", body }));
    return prompter;
  }

  /** How often a prompt was begun. */
  get prompts(): number {
    return this.#received.split("BeginPrompting").length - 1;
  }

  stop(): void {
    this.#socket.destroy();
  }
}

interface Call {
  readonly serial: number;
  readonly member: string;
  readonly signature?: string;
  readonly body?: Buffer;
}

/** One method call to the bus itself (D-Bus specification, "Message format"), little-endian. */
function busCall({ serial, member, signature, body = Buffer.alloc(0) }: Call): Buffer {
  const fields = [
    field(OBJECT_PATH, "o", text("/org/freedesktop/DBus")),
    field(INTERFACE, "s", text(BUS)),
    field(MEMBER, "s", text(member)),
    field(DESTINATION, "s", text(BUS)),
    ...(signature === undefined ? [] : [field(SIGNATURE, "g", signatureText(signature))]),
  ].reduce((all, next) => Buffer.concat([all, padding(all.length, 8), next]), Buffer.alloc(0));
  const head = Buffer.alloc(16);
  head.set([0x6c, 1, 0, 1]); // "l", method call, no flags, protocol 1
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(fields.length, 12);
  return Buffer.concat([head, fields, padding(fields.length, 8), body]);
}

function field(code: number, type: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([code]), signatureText(type), value]);
}

function text(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(`${value}\0`)]);
}

function signatureText(value: string): Buffer {
  return Buffer.from([value.length, ...Buffer.from(value), 0]);
}

function padding(length: number, alignment: number): Buffer {
  return Buffer.alloc((alignment - (length % alignment)) % alignment);
}
