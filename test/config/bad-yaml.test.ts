import { HEAD } from "./config-text.js";
import { describeRefusals, MARK, role, roles } from "./refusals.js";

describeRefusals("YAML", [
  { it: "an empty file", text: "", says: ["is empty"] },
  { it: "a file of comments", text: "# nothing\n", says: ["is empty"] },
  { it: "a list at the top", text: `- version: 1 ${MARK}\n`, says: ["must be a map"] },
  { it: "a text at the top", text: `version ${MARK}\n`, says: ["must be a map"] },
  {
    it: "a file over 1 MiB",
    text: `${HEAD}#${"x".repeat(1024 * 1024)}\n`,
    says: ["too large: a config has at most 1024 KiB"],
  },
  { it: "a byte order mark", text: `\uFEFF${HEAD}`, says: ["byte order mark"] },
  { it: "a tab as indentation", text: `${HEAD}roles:\n\tr: {} ${MARK}\n`, says: ["a tab stands"] },
  { it: "a second document", text: `${HEAD}--- ${MARK}\nversion: 1\n`, says: ["a second document"] },
  { it: "a bracket left open", text: `${HEAD}roles: { a: ${MARK}`, says: ["not valid YAML"] },
  { it: "a quote left open", text: `${HEAD}roles: "a ${MARK}`, says: ["not valid YAML"] },
  { it: "a key given twice", text: `${HEAD}roles: {}\nroles: {} ${MARK}\n`, field: "roles", says: ["is given twice"] },
  {
    it: "a role given twice",
    text: roles(`  r: { source: k }\n  r: { source: k } ${MARK}`),
    field: "roles.r",
    says: ["is given twice"],
  },
  {
    it: "__proto__ at the top",
    text: `${HEAD}__proto__: { roles: {} } ${MARK}\n`,
    field: "__proto__",
    says: ["not a name that can be used"],
  },
  {
    it: "__proto__ as a role",
    text: roles(`  __proto__: { source: k } ${MARK}`),
    field: "roles.__proto__",
    says: ["not a name that can be used"],
  },
  {
    it: "constructor as a source",
    text: `${HEAD}sources:\n  constructor: { type: keys } ${MARK}\n`,
    field: "sources.constructor",
    says: ["not a name that can be used"],
  },
  {
    it: "prototype as a tag",
    text: role(`tags: { prototype: x } ${MARK}`),
    field: "roles.r.tags.prototype",
    says: ["not a name that can be used"],
  },
  {
    it: "a merge key",
    text: `${HEAD}roles:\n  a: &a { source: k }\n  b:\n    source: k\n    <<: *a ${MARK}\nsources: { k: { type: keys } }\n`,
    field: 'roles.b."<<"',
    says: ["merge keys are not supported"],
  },
  {
    it: "an alias of nothing",
    text: role(`external_id: *nothing ${MARK}`),
    field: "roles.r.external_id",
    says: ['no anchor "nothing"'],
  },
  { it: "a tag of its own", text: role(`external_id: !env SECRET ${MARK}`), says: ["tags (!name) are not supported"] },
  { it: "binary data", text: role(`external_id: !!binary aGVsbG8= ${MARK}`), says: ["tags (!name) are not supported"] },
  { it: "YAML 1.1", text: `%YAML 1.1\n---\n${HEAD}`, says: ["must be YAML 1.2"] },
  {
    it: "a map as a key",
    text: `${HEAD}roles:\n  ? { a: b } ${MARK}\n  : { source: k }\n`,
    field: "roles",
    says: ["key that is not plain text"],
  },
  {
    it: "a key of nothing",
    text: `${HEAD}roles:\n  ~: { source: k } ${MARK}\nsources: { k: { type: keys } }\n`,
    field: 'roles."~"',
    says: ["is read as nothing"],
  },
  {
    it: "not a number",
    text: role(`policy: { Version: "2012-10-17", Statement: [{ n: .nan }] } ${MARK}`),
    field: "roles.r.policy.Statement[0].n",
    says: ['quote it (".nan")'],
  },
]);
