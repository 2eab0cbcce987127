import { everyFixture } from "../support/endpoint-fixture.js";

/** The suites once more where a connection's first request is answered from memory already, as on systems that tell no user. */
everyFixture.isPeerKnownAtOnce = true;
await import("./app.test.js");
await import("./flood.test.js");
await import("./hostile-requests.test.js");
await import("./patience.test.js");
await import("./sdk-client.test.js");
