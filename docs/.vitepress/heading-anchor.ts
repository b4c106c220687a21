/** The anchor of a heading as GitHub makes it, so that a link to a section works there and on the site: `err_token_expired`. */
export function headingAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}
