// Every flow by openid-client, against the example. It is told on its input where to go on, and
// tells on its output what it got, a line of JSON each.
import { createInterface } from "node:readline/promises";
import * as oauth from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const tell = (value) => console.log(JSON.stringify(value));
const { site, redirectUri, inspectorSecret } = await hear();

const at = (clientId, authentication) =>
  oauth.discovery(new URL(`${site}/o`), clientId, {}, authentication, {
    algorithm: "oauth2",
    execute: [oauth.allowInsecureRequests],
  });
const call = async (config, token) =>
  (await oauth.fetchProtectedResource(config, token, new URL(`${site}/notes/`), "GET")).status;
const refused = async (attempt) => {
  try {
    await attempt();
  } catch (error) {
    return error.error ?? error.code;
  }
  return "not refused";
};

const demo = await at("demo", oauth.None());
tell({ issuer: demo.serverMetadata().issuer });

// A code with PKCE.
const verifier = oauth.randomPKCECodeVerifier();
const state = oauth.randomState();
const url = oauth.buildAuthorizationUrl(demo, {
  redirect_uri: redirectUri,
  scope: "notes:read",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
});
tell({ url: url.href });
const back = new URL((await hear()).back);
const checks = { pkceCodeVerifier: verifier, expectedState: state };
const first = await oauth.authorizationCodeGrant(demo, back, checks);
tell({ scope: first.scope, status: await call(demo, first.access_token) });

// Refresh, with rotation; a token that was used already ends its family.
const second = await oauth.refreshTokenGrant(demo, first.refresh_token);
tell({ rotated: second.refresh_token !== first.refresh_token });
tell({ replay: await refused(() => oauth.refreshTokenGrant(demo, first.refresh_token)) });
tell({ after: await refused(() => oauth.refreshTokenGrant(demo, second.refresh_token)) });
tell({ twice: await refused(() => oauth.authorizationCodeGrant(demo, back, checks)) });

// A program on its own behalf asks what a token opens.
const inspector = await at("inspector", oauth.ClientSecretBasic(inspectorSecret));
const own = await oauth.clientCredentialsGrant(inspector, { scope: "introspection" });
tell({ own: own.scope });
const told = await oauth.tokenIntrospection(inspector, own.access_token);
tell({ active: told.active, scope: told.scope, client: told.client_id });
await oauth.tokenRevocation(inspector, own.access_token);
tell({ revoked: (await oauth.tokenIntrospection(inspector, own.access_token)).active });

// A device.
// The toolkit's metadata do not name the endpoint of the device flow.
const named = {
  ...demo.serverMetadata(),
  device_authorization_endpoint: `${site}/o/device-authorization/`,
};
const television = new oauth.Configuration(named, "television", {}, oauth.None());
oauth.allowInsecureRequests(television);
const device = await oauth.initiateDeviceAuthorization(television, { scope: "notes:read" });
tell({ userCode: device.user_code, where: device.verification_uri });
await hear();
const seen = await oauth.pollDeviceAuthorizationGrant(television, { ...device, interval: 1 });
tell({ device: seen.scope, status: await call(television, seen.access_token) });
process.exit(0);
