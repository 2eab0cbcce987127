import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.js";
import { program } from "./aws-clients.js";

/** A network namespace of its own for `sh -c`: what is in it reaches no port of this machine. */
export const NAMESPACES = {
  "unshare -n": ["unshare", ...(process.getuid?.() === 0 ? ["-n"] : ["-rn"])],
  "bwrap --unshare-net": ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--unshare-pid", "--die-with-parent"],
} as const;
export type Namespace = keyof typeof NAMESPACES;

/** bwrap does it by itself. */
const LOOPBACK_UP = "ip link set lo up 2>/dev/null; ";

/** The fake AWS as it is reached from inside a namespace: by the same URL, over a unix socket. */
export class AwsFromInside {
  readonly #server: Server;
  readonly #port: number;
  readonly #socket: string;

  private constructor(server: Server, port: number, socket: string) {
    this.#server = server;
    this.#port = port;
    this.#socket = socket;
  }

  static async open(url: string): Promise<AwsFromInside> {
    const port = Number(new URL(url).port);
    const socket = join(tempDir("aws"), "aws.sock");
    const server = createServer((inside) => {
      const outside = connect(port, "127.0.0.1");
      inside.on("error", () => outside.destroy()).pipe(outside);
      outside.on("error", () => inside.destroy()).pipe(inside);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return new AwsFromInside(server, port, socket);
  }

  /** A script that has AWS at its own URL, and runs `"$@"` by `script`; AWS is gone with it. */
  script(script: string): string {
    const relay = `'${process.execPath}' '${program("port-to-socket.mjs")}' ${this.#port} '${this.#socket}'`;
    // The first line that the relay prints says that it listens.
    return `${LOOPBACK_UP}exec 3<&0; ${relay} > "$HOME/relay" & relay=$!; until grep -q ready "$HOME/relay"; do sleep 0.05; done; ${script}; code=$?; kill $relay; exit $code`;
  }

  close(): void {
    this.#server.close();
  }
}
