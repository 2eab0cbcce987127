import type { KeyView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { type KeysSource, sourceOf } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import type { StoredKey } from "../../credentials/sources/key-store.js";
import type { ControlServices } from "../control-services.js";
import { configInForce, keysSourceNamed } from "../named-entries.js";
import { rotateKey } from "../rotate-key.js";
import type { Handlers } from "./handler.js";

/** Long-term keys enter here and never leave again. */
export function keyHandlers(
  services: ControlServices,
): Handlers<"keys-add" | "keys-list" | "keys-rotate" | "keys-remove" | "login-mfa"> {
  const { keys, sessions, credentials, sessionNotices, clock } = services;
  return {
    "keys-add": async ({ source: name, accessKeyId, secretAccessKey, replace }) => {
      const source = keysSourceNamed(services, name);
      if (!replace && (await keys.has(name))) throw keyExists(name);
      const secret = new Secret(secretAccessKey);
      const key = { source: name, accessKeyId, secretAccessKey: secret, addedAt: clock.now(), rotatedAt: null };
      await keys.put(key);
      await sessionNotices.byPerson(name, () => {
        sessions.drop(name);
        return Promise.resolve();
      });
      credentials.wake(name);
      return { ...viewOf(key), notes: notesFor(services, source) };
    },
    "keys-list": async () => ({ keys: (await keys.list()).map(viewOf) }),
    "keys-rotate": async ({ source: name }) => {
      const { key, notes } = await rotateKey(services, keysSourceNamed(services, name));
      return { ...viewOf(key), notes };
    },
    "keys-remove": async ({ source: name }) => {
      if (!(await keys.delete(name))) throw new BrokerError("KeyMissing", `source ${name} has no access key to remove`);
      sessions.drop(name);
      credentials.dropSource(name);
      return {};
    },
    "login-mfa": async ({ source: name, code }) => {
      const source = keysSourceNamed(services, name);
      if (source.mfaSerial === undefined) throw needsNoLogin(name);
      if (code === undefined && source.mfaProcess === undefined) throw needsCode(name);
      const session = await sessions.login(source, code);
      credentials.wake(name);
      return { source: name, expiresAt: session.credentials.expiration };
    },
  };
}

function viewOf({ source, accessKeyId, addedAt, rotatedAt }: StoredKey): KeyView {
  return { source, accessKeyIdSuffix: accessKeyId.slice(-4), addedAt, rotatedAt };
}

/** What AWS would refuse later is refused now. */
function notesFor(services: ControlServices, source: KeysSource): string[] {
  const roles = [...configInForce(services).roles.values()].filter((role) => sourceOf(role).name === source.name);
  const bare = roles.filter((role) => !role.assume).map((role) => role.name);
  const notes: string[] = [];
  if (roles.length === 0)
    notes.push(
      `no role uses source ${source.name} yet: brokerctl role add NAME --source ${source.name} --role-arn ARN`,
    );
  if (bare.length > 0) {
    notes.push(
      `${bare.join(", ")} has no role_arn: served from GetSessionToken, with which AWS refuses IAM and most of STS`,
    );
  }
  if (source.mfaSerial !== undefined && source.mfaProcess === undefined)
    notes.push(`needs an MFA code: brokerctl login ${source.name}`);
  return notes;
}

function keyExists(source: string): BrokerError {
  return new BrokerError("Conflict", `source ${source} has an access key already`, {
    hint: `brokerctl keys add ${source} --replace`,
  });
}

function needsCode(source: string): BrokerError {
  return new BrokerError("UsageInvalid", `source ${source} has no mfa_process: the code must be given`, {
    hint: `brokerctl login ${source} --mfa-code-stdin`,
  });
}

function needsNoLogin(source: string): BrokerError {
  return new BrokerError("UsageInvalid", `source ${source} has no mfa_serial: it needs no login`, {
    hint: "brokerctl status",
  });
}
