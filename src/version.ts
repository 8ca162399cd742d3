/** As in package.json, which the built programs do not have beside them. */
export const VERSION = '0.1.0';
