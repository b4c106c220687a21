import type { ClientReport, Finding } from './run-differential.js';

/** One report of the reports of one client, each about scenarios of its own. */
export function mergeReports(reports: readonly ClientReport[]): ClientReport {
  const sum = (of: (report: ClientReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const findings = new Map<string, Finding>();
  for (const finding of reports.flatMap((report) => report.findings)) {
    const before = findings.get(finding.where);
    if (before === undefined) findings.set(finding.where, { ...finding });
    else before.count += finding.count;
  }
  return {
    client: reports[0]!.client,
    scenarios: sum(({ scenarios }) => scenarios),
    different: sum(({ different }) => different),
    unstable: sum(({ unstable }) => unstable),
    intended: mergeCounts(reports.map(({ intended }) => intended)),
    known: mergeCounts(reports.map(({ known }) => known)),
    findings: [...findings.values()].sort((a, b) => b.count - a.count),
  };
}

function mergeCounts(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {};
  for (const [what, count] of counts.flatMap((each) => Object.entries(each)))
    merged[what] = (merged[what] ?? 0) + count;
  return merged;
}
