// Every flow by openid-client, and one by oauth4webapi below it, against the example. It is told on its input where to go on, and
// tells on its output what it got, a line of JSON each.
import { createInterface } from "node:readline/promises";
import * as plain from "oauth4webapi";
import * as oauth from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const tell = (value) => console.log(JSON.stringify(value));
const { site, issuer, redirectUri, inspectorSecret, signs } = await hear();

const at = (clientId, authentication) =>
  oauth.discovery(new URL(issuer), clientId, {}, authentication, {
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

// A code with PKCE; first the user declines.
const checks = {
  pkceCodeVerifier: oauth.randomPKCECodeVerifier(),
  expectedState: oauth.randomState(),
};
const challenge = await oauth.calculatePKCECodeChallenge(checks.pkceCodeVerifier);
const ask = async () => {
  const url = oauth.buildAuthorizationUrl(demo, {
    redirect_uri: redirectUri,
    scope: "notes:read",
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: checks.expectedState,
  });
  tell({ url: url.href });
  return new URL((await hear()).back);
};
const no = await ask();
tell({ declined: await refused(() => oauth.authorizationCodeGrant(demo, no, checks)) });
const back = await ask();
const first = await oauth.authorizationCodeGrant(demo, back, checks);
tell({ scope: first.scope, status: await call(demo, first.access_token) });

// Refresh, with rotation; a token that was used already ends its family.
const second = await oauth.refreshTokenGrant(demo, first.refresh_token);
tell({ rotated: second.refresh_token !== first.refresh_token });
tell({ replay: await refused(() => oauth.refreshTokenGrant(demo, first.refresh_token)) });
tell({ after: await refused(() => oauth.refreshTokenGrant(demo, second.refresh_token)) });
tell({ twice: await refused(() => oauth.authorizationCodeGrant(demo, back, checks)) });

// Many refreshes at once: each is answered, and none by an error of the server.
const again = await oauth.authorizationCodeGrant(demo, await ask(), checks);
const refreshes = Array.from({ length: 6 }, async () => {
  try {
    await oauth.refreshTokenGrant(demo, again.refresh_token);
    return "refreshed";
  } catch (error) {
    return error.error ?? String(error);
  }
});
tell({ atOnce: [...new Set(await Promise.all(refreshes))].sort() });

// The same way by the library below, which is stricter about what it is told.
const insecure = { [plain.allowInsecureRequests]: true };
const root = new URL(issuer);
const server = await plain.processDiscoveryResponse(
  root,
  await plain.discoveryRequest(root, { algorithm: "oauth2", ...insecure }),
);
const client = { client_id: "demo" };
const answered = (url) => plain.validateAuthResponse(server, client, url, checks.expectedState);
const plainNo = await ask();
tell({ plainDeclined: await refused(async () => answered(plainNo)) });
const plainBack = answered(await ask());
const got = await plain.processAuthorizationCodeResponse(
  server,
  client,
  await plain.authorizationCodeGrantRequest(
    server, client, plain.None(), plainBack, redirectUri, checks.pkceCodeVerifier, insecure,
  ),
);
tell({ plain: got.scope, status: await call(demo, got.access_token) });

// OpenID Connect: the ID token is signed by the issuer that was discovered, and names the user.
if (signs) {
  const provider = await oauth.discovery(new URL(issuer), "demo", {}, oauth.None(), {
    execute: [oauth.allowInsecureRequests, oauth.enableNonRepudiationChecks],
  });
  const expectedNonce = oauth.randomNonce();
  const askWho = async (also) => {
    const url = oauth.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUri,
      scope: "openid notes:read",
      code_challenge: challenge,
      code_challenge_method: "S256",
      state: checks.expectedState,
      nonce: expectedNonce,
      ...also,
    });
    tell({ url: url.href });
    return new URL((await hear()).back);
  };
  const identity = { ...checks, expectedNonce, idTokenExpected: true };
  const signedIn = await oauth.authorizationCodeGrant(provider, await askWho({}), identity);
  const claims = signedIn.claims();
  const user = await oauth.fetchUserInfo(provider, signedIn.access_token, claims.sub);
  tell({
    identity: claims.iss,
    told: user.sub === claims.sub,
    status: await call(provider, signedIn.access_token),
  });
  // Another user comes back where this one was asked for.
  const other = await askWho({ id_token_hint: signedIn.id_token });
  tell({ another: await refused(() => oauth.authorizationCodeGrant(provider, other, identity)) });
}

// A program on its own behalf asks what a token opens.
const inspector = await at("inspector", oauth.ClientSecretBasic(inspectorSecret));
const own = await oauth.clientCredentialsGrant(inspector, { scope: "introspection" });
tell({ own: own.scope });
const told = await oauth.tokenIntrospection(inspector, own.access_token);
tell({ active: told.active, scope: told.scope, client: told.client_id });
// By a token in the place of the secret, which spares the server its hash.
const byToken = await fetch(inspector.serverMetadata().introspection_endpoint, {
  method: "POST",
  headers: { authorization: `Bearer ${own.access_token}` },
  body: new URLSearchParams({ token: own.access_token }),
});
tell({ byToken: (await byToken.json()).active });
await oauth.tokenRevocation(inspector, own.access_token);
tell({ revoked: (await oauth.tokenIntrospection(inspector, own.access_token)).active });

// A device.
const television = await at("television", oauth.None());
const device = await oauth.initiateDeviceAuthorization(television, { scope: "notes:read" });
tell({ userCode: device.user_code, where: device.verification_uri });
await hear();
const seen = await oauth.pollDeviceAuthorizationGrant(television, { ...device, interval: 1 });
tell({ device: seen.scope, status: await call(television, seen.access_token) });
process.exit(0);
