/** How the fake behaves; tests change it at run time through `FakeSignIn.settings`. */
export interface SignInSettings {
  /** Who is signed in to the console in every browser. */
  userName: string;
  /** What the session may do. */
  roleArn: string;
  /** The subject of the id token, by which the AWS CLI's profiles name the session. */
  loginSession: string;
  accessTokenSeconds: number;
  codeSeconds: number;
  sessionSeconds: number;
  /** Whether its user has SignInLocalDevelopmentAccess. */
  mayLogIn: boolean;
  renewalError: string | undefined;
}

export function defaultSignInSettings(): SignInSettings {
  return {
    userName: "ann",
    roleArn: "arn:aws:iam::111111111111:role/ann-at-the-console",
    loginSession: "arn:aws:iam::111111111111:user/ann",
    accessTokenSeconds: 900,
    codeSeconds: 600,
    sessionSeconds: 12 * 3600,
    mayLogIn: true,
    renewalError: undefined,
  };
}
