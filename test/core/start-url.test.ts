import { describe, expect, it } from "vitest";
import { canonicalStartUrl, spellingsOfStartUrl } from "../../src/core/start-url.js";

describe("the canonical spelling of an access portal's URL", () => {
  it.each([
    ["https://corp.awsapps.com/start", "https://corp.awsapps.com/start"],
    ["https://corp.awsapps.com/start/", "https://corp.awsapps.com/start"],
    ["https://corp.awsapps.com/start#", "https://corp.awsapps.com/start"],
    ["https://corp.awsapps.com/start#/", "https://corp.awsapps.com/start"],
    ["https://corp.awsapps.com/start/#/?tab=accounts", "https://corp.awsapps.com/start"],
    ["HTTPS://Corp.AwsApps.com:443/start", "https://corp.awsapps.com/start"],
    ["https://start.home.awsapps.cn/directory/Corp/", "https://start.home.awsapps.cn/directory/Corp"],
    ["https://ssoins-1.portal.eu-west-1.app.aws/", "https://ssoins-1.portal.eu-west-1.app.aws"],
    ["https://corp.example:8443/start/?org=a/", "https://corp.example:8443/start?org=a/"],
    ["http://localhost:4430/start/", "http://localhost:4430/start"],
    ["no url", "no url"],
  ])("of %s is %s", (url, canonical) => {
    expect(canonicalStartUrl(url)).toBe(canonical);
    expect(canonicalStartUrl(canonical)).toBe(canonical);
  });

  it("keeps portals apart whose paths differ in more than their end", () => {
    expect(canonicalStartUrl("https://corp.awsapps.com/Start")).not.toBe("https://corp.awsapps.com/start");
  });

  it("comes first among the spellings of a portal, of which each leads back to it", () => {
    const spellings = spellingsOfStartUrl("https://CORP.awsapps.com/start#/?tab=x");

    expect(spellings[0]).toBe("https://corp.awsapps.com/start");
    expect(spellings).toContain("https://CORP.awsapps.com/start#/?tab=x");
    expect(new Set(spellings.map(canonicalStartUrl)).size).toBe(1);
  });
});
