/**
 * Imported before all else: what a shell may set for every Node, and every client, is not measured. NODE_EXTRA_CA_CERTS, say, costs each
 * Node 20 ms and more at its start, so that ours would seem to cost little beside it.
 */
for (const name of Object.keys(process.env)) {
  if (/^NODE_|_CA_|^SSL_CERT/.test(name)) Reflect.deleteProperty(process.env, name);
}
