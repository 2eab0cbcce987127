import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CANARY, canarySecretKey } from "../support/canaries.js";

const IMDS_TOKEN = `imds-${CANARY}`;
const ROLE_PATH = "/latest/meta-data/iam/security-credentials/";

/** Credentials in the form that both services give them. */
export function machineCredentials(life: number, id = "ASIAMACHINE000000001"): Record<string, unknown> {
  return {
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: id,
    SecretAccessKey: canarySecretKey("machine"),
    Token: `IQoJ${CANARY}`,
    Expiration: new Date(Date.now() + life).toISOString().replace(/\.\d+Z/, "Z"),
  };
}

/**
 * EC2's instance metadata service (IMDSv2: a token by PUT, then GETs that carry it) and the credentials endpoint of ECS
 * and EKS (one GET, with a token in Authorization), as their documentation has them, in one server on loopback.
 */
export class MachineMetadata {
  readonly requests: string[] = [];
  readonly url: string;
  credentials: Record<string, unknown> = machineCredentials(3_600_000);
  roleName: string | undefined = "instance-role";
  imdsV2 = true;
  containerToken: string | undefined;
  isSilent = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
  }

  static async start(): Promise<MachineMetadata> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new MachineMetadata(server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.requests.push(`${method} ${url}`);
    if (this.isSilent) return;
    const say = (status: number, body: string): void => void response.writeHead(status).end(body);
    if (url === "/container") {
      const isKnown = this.containerToken === undefined || headers.authorization === this.containerToken;
      return isKnown ? say(200, JSON.stringify(this.credentials)) : say(401, '{"Code":"Unauthorized"}');
    }
    if (url === "/latest/api/token") {
      const hasLife = headers["x-aws-ec2-metadata-token-ttl-seconds"] !== undefined;
      if (!this.imdsV2) return say(403, "");
      return method === "PUT" && hasLife ? say(200, IMDS_TOKEN) : say(400, "");
    }
    if (this.imdsV2 && headers["x-aws-ec2-metadata-token"] !== IMDS_TOKEN) return say(401, "");
    if (this.roleName === undefined) return say(404, "");
    if (url === ROLE_PATH) return say(200, this.roleName);
    return url === ROLE_PATH + this.roleName ? say(200, JSON.stringify(this.credentials)) : say(404, "");
  }
}
