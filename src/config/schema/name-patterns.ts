/** Forms that are looked at also where no config is parsed. */

export const ACCOUNT_ID = /^\d{12}$/;

/** What IAM takes as a role's name; a permission set's has the same letters. */
export const SSO_ROLE_NAME = /^[\w+=,.@-]{1,64}$/;
