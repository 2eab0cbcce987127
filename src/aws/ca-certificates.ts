import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const BEGIN = /-----BEGIN [A-Z ]*CERTIFICATE-----/g;
/** Whole bundles of public authorities have under 400 KB; a device or a log file is a mistake. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** The certificates of PEM files, in order. `variable` is who names them, for the error. */
export function certificatesFromFiles(variable: string, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => parse(variable, `file ${path}`, readPem(variable, path)));
}

/** Certificates written into the variable itself, one after the other or separated by commas. */
export function certificatesFromText(variable: string, text: string): readonly string[] {
  if (text.replace(CERTIFICATE, "").replace(/[\s,]/g, "") !== "") {
    throw invalid(variable, "holds something else than PEM certificates separated by commas");
  }
  return parse(variable, "its value", text);
}

/** A daemon's working directory depends on how it was started, and with it the file that a relative path names. */
function readPem(variable: string, path: string): string {
  if (!isAbsolute(path)) throw invalid(variable, `names ${path}, which is not an absolute path`);
  try {
    const file = statSync(path);
    if (!file.isFile()) throw invalid(variable, `names ${path}, which is not a file`);
    if (file.size > MAX_FILE_BYTES) throw invalid(variable, `names ${path}, which is too large for certificates`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw invalid(variable, `names ${path}, which cannot be read (${errnoOf(error)})`, error);
  }
}

function parse(variable: string, place: string, text: string): readonly string[] {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw invalid(variable, `names no certificate: ${place} holds no PEM certificate`);
  if (certificates.length !== (text.match(BEGIN) ?? []).length) {
    throw invalid(variable, `names a cut-off certificate: ${place} ends inside of one`);
  }
  certificates.forEach((pem, index) => {
    try {
      new X509Certificate(pem);
    } catch (error) {
      throw invalid(variable, `names an unreadable certificate: number ${index + 1} of ${place}`, error);
    }
  });
  return certificates;
}

function invalid(variable: string, what: string, cause?: unknown): BrokerError {
  return new BrokerError("ConfigInvalid", `environment variable ${variable} ${what}`, {
    hint: `set ${variable} to readable PEM certificates, or unset it, then \`brokerctl restart\``,
    cause,
  });
}
