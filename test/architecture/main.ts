import { writeFile } from 'node:fs/promises';
import { ARCHITECTURE_PAGE, architecturePage } from './architecture-page.js';

// Draws the imports between the rooms of src/ into docs/ARCHITECTURE.md: npm run architecture
const { kept, drawn } = await architecturePage();
await writeFile(ARCHITECTURE_PAGE, drawn);
process.stdout.write(kept === drawn ? 'The picture is up to date.\n' : 'The picture was drawn anew.\n');
