import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A profile of the files that the AWS SDKs and tools share: settings by name. */
export type Profile = ReadonlyMap<string, string>;

/** Where a profile was looked for. */
export interface ProfileFiles {
  readonly credentials: string;
  readonly config: string;
}

/** Returns where the files are, as the SDKs look for them. */
export function profileFiles(): ProfileFiles {
  const { AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE } = process.env;
  return {
    credentials: AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials'),
    config: AWS_CONFIG_FILE || join(homedir(), '.aws', 'config'),
  };
}

/**
 * Reads a profile; it is empty if no readable file has it. Settings of the credentials file come before those of the config file.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function readProfile(name: string, { credentials, config }: ProfileFiles): Promise<Profile> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const [ofConfig, ofCredentials] = [await read(config), await read(credentials)];
  // In the config file every profile but the default one is called "profile NAME".
  const inConfig = settingsOf(ofConfig, (section) => {
    const named = /^profile\s+(["']?)(.*)\1$/.exec(section)?.[2];
    return named === name || (name === 'default' && section === name);
  });
  return new Map([...inConfig, ...settingsOf(ofCredentials, (section) => section === name)]);
}

/** Settings of a section: lines such as "name = value". Indented lines belong to the setting before them, and none of ours has any. */
function settingsOf(text: string, isWanted: (section: string) => boolean): Profile {
  const settings = new Map<string, string>();
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\[([^\]]*)\]/.exec(line)?.[1];
    if (section !== undefined) isInside = isWanted(section.trim());
    // A comment after a value begins with a blank; a value such as a path may hold the characters.
    const [, key, value = ''] = /^([^\s#;[=][^=]*?)\s*=\s*(.*?)\s*(?:\s[#;].*)?$/.exec(line) ?? [];
    if (isInside && key !== undefined) settings.set(key.toLowerCase(), value);
  }
  return settings;
}
