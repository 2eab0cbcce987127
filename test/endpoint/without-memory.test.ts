import { everyFixture } from "../support/endpoint-fixture.js";

/** The endpoint's whole suite once more: the app alone gives every answer that it gives beside the answers from memory. */
everyFixture.fromMemory = false;
await import("./app.test.js");
await import("./flood.test.js");
await import("./hostile-requests.test.js");
await import("./patience.test.js");
await import("./peers.test.js");
await import("./sdk-client.test.js");
