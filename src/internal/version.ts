/** The version of this package, as in package.json: embedded so that nothing else of package.json is. */
export const VERSION = '0.1.0';
