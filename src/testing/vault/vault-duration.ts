const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads a duration as Vault takes it, such as `60`, `"60"`, `"90s"` or `"1h30m"`, in seconds; undefined for anything else. */
export function parseDuration(value: unknown): number | undefined {
  const text = String(value);
  if (/^\d+$/.test(text)) return Number(text);
  if (!/^(\d+[smhd])+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * SECONDS[unit!]!,
    0,
  );
}
