import { randomBytes } from "node:crypto";
import type { Archive, Lambda } from "../aws/lambda.js";
import type { CodeArchive, FunctionPackage } from "../core/deployed-function.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import { readFunctionCode } from "./function-reader.js";
import type { Via } from "./via.js";

export interface CodeArchivesOptions {
  readonly lambda: Lambda;
  readonly clock: Clock;
}

/** API GetFunction: the location is good for ten minutes. */
const LIFE_MS = 10 * 60_000;
/** Of all pulls at once; a function has five layers at most. */
const MAX_KEPT = 60;
const ID_BYTES = 16;
/** One part of an archive. */
const PART_BYTES = 1024 * 1024;

interface Kept {
  readonly archive: Archive;
  readonly region: string;
  readonly until: number;
}

/**
 * Where the code of functions can be fetched from, for some minutes. Such an address is as good as the archive itself: it stays in here,
 * and who pulls gets a name for it, and the bytes part by part.
 */
export class CodeArchives {
  readonly #options: CodeArchivesOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: CodeArchivesOptions) {
    this.#options = options;
  }

  /** NotFound, AccessDenied; NotSupported for an image. A layer that cannot be read says why. */
  async open(via: Via, functionText: string): Promise<FunctionPackage> {
    const { lambda } = this.#options;
    const { code, region } = await readFunctionCode(lambda, via, functionText);
    const { functionName, version } = code;
    if ("imageUri" in code.code) throw anImage(functionName, code.code.imageUri);
    const layers = await Promise.all(
      code.layers.map(async (arn) => {
        try {
          return { arn, archive: this.#keep(await lambda.getLayer(via.signer, arn, region), region) };
        } catch (error) {
          return { arn, problem: toBrokerError(error).message };
        }
      }),
    );
    return { functionName, version, code: this.#keep(code.code, region), layers };
  }

  /** From `offset` on, at most 1 MiB; `NotFound` for an id that there is not, or no longer. */
  async read(id: string, offset: number): Promise<Uint8Array> {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.until <= this.#options.clock.now()) {
      throw new BrokerError("NotFound", "the code is no longer held for download: that ends after ten minutes", {
        hint: "brokerctl lambda pull FUNCTION --to DIR",
      });
    }
    const { archive, region } = kept;
    const length = Math.min(PART_BYTES, archive.bytes - offset);
    return length > 0 ? this.#options.lambda.readArchive(archive, { offset, length }, region) : new Uint8Array();
  }

  #keep(archive: Archive, region: string): CodeArchive {
    const now = this.#options.clock.now();
    for (const [id, { until }] of this.#kept) if (until <= now) this.#kept.delete(id);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    const id = randomBytes(ID_BYTES).toString("hex");
    this.#kept.set(id, { archive, region, until: now + LIFE_MS });
    return { id, bytes: archive.bytes, sha256: archive.sha256 };
  }
}

function anImage(functionName: string, imageUri: string): BrokerError {
  const image = imageUri === "" ? "" : `: ${imageUri}`;
  return new BrokerError(
    "NotSupported",
    `${functionName} is deployed as an image, which is no archive to pull${image}`,
    {
      hint: `docker pull ${imageUri === "" ? "IMAGE" : shellQuote(imageUri)}    # after: aws ecr get-login-password | docker login --username AWS --password-stdin REGISTRY`,
    },
  );
}
