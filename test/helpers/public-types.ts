import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/**
 * The types that a user of a built package gets, without comments: each declaration once, under the first module that exports it, and
 * at the end those that are reached and not exported.
 *
 * @param directory - holds the type declarations
 * @param modules - names of its modules, such as `index`
 */
export function publicTypes(directory: string, modules: readonly string[]): string {
  const program = programOf(modules.map((name) => join(directory, `${name}.d.ts`)));
  const checker = program.getTypeChecker();
  const original = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const told = new Map<ts.Symbol, string>();
  const reached = new Set<ts.Symbol>();
  const lines: string[] = [];
  const tell = (symbol: ts.Symbol, module: string) => {
    told.set(symbol, module);
    for (const declaration of symbol.declarations ?? []) {
      lines.push(textOf(declaration), '');
      forEachName(declaration, (name) => {
        const named = checker.getSymbolAtLocation(name);
        if (named !== undefined && isOfPackage(original(named))) reached.add(original(named));
      });
    }
  };

  for (const module of modules) {
    lines.push(`// ${module}`, '');
    const file = program.getSourceFile(join(directory, `${module}.d.ts`))!;
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!);
    for (const symbol of exported.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const known = told.get(original(symbol));
      if (known === undefined) tell(original(symbol), module);
      else lines.push(`export { ${symbol.name} } // of ${known}`, '');
    }
  }
  lines.push('// not exported', '');
  // The set grows while it is gone through.
  for (const symbol of reached) if (!told.has(symbol)) tell(symbol, 'not exported');
  return lines.join('\n');
}

/** Nothing but the given files and what they import of each other is read: neither a library nor another package. */
function programOf(files: readonly string[]): ts.Program {
  const options: ts.CompilerOptions = { noLib: true, types: [] };
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (literals, containing) =>
    literals.map(({ text }) => {
      const file = join(dirname(containing), text.replace(/\.js$/, '.d.ts'));
      const isThere = text.startsWith('.') && existsSync(file);
      return { resolvedModule: isThere ? { resolvedFileName: file, extension: ts.Extension.Dts } : undefined };
    });
  return ts.createProgram(files, options, host);
}

function isOfPackage(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some(
    ({ parent }) => ts.isSourceFile(parent) || ts.isVariableDeclarationList(parent),
  );
}

function forEachName(node: ts.Node, visit: (name: ts.Identifier) => void): void {
  if (ts.isIdentifier(node)) visit(node);
  ts.forEachChild(node, (child) => forEachName(child, visit));
}

const printer = ts.createPrinter({ removeComments: true });

function textOf(declaration: ts.Declaration): string {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile());
}
