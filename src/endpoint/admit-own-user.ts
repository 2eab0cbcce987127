import type { Socket } from "node:net";
import type { Response } from "express";
import { peerRefusal } from "../http/peer-refusal.js";
import type { PeerIdentity, PeerVerdict } from "../system/peer-identity.js";
import { noteFetch } from "./fetch-record.js";

/**
 * Who is at the other end of a connection, before anything is fetched for it: refuses other users, whatever their token, and
 * closes the connection, since nothing else on it is worth reading. The refusal is on record with the user whom it names.
 */
export async function admitOwnUser(socket: Socket, response: Response, peers: PeerIdentity): Promise<PeerVerdict> {
  const verdict = await peers.of(socket);
  const refusal = peerRefusal(verdict);
  if (refusal === undefined) return verdict;
  noteFetch(response, { peer: verdict });
  if (verdict.kind === "gone") socket.destroy();
  else response.setHeader("Connection", "close");
  throw refusal;
}
