/** The result for people: promised and measured figures, one line each. */
import { isReached, type ScenarioResult, type Target } from './scenario.ts';
import type { Machine } from './machine.ts';

export function reportLines(machine: Machine, results: readonly ScenarioResult[]): string[] {
  const { cores, cpu, memoryGiB, system, node, commit, loadBefore } = machine;
  const lines = ['', `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}, Node ${node}, commit ${commit}, load before ${loadBefore}`, ''];
  const rows = results.flatMap(({ scenario, targets }) => targets.map((target) => [scenario, target.figure, bound(target), value(target), isReached(target) ? 'yes' : 'NO']));
  lines.push(...table([['scenario', 'figure', 'target', 'measured', 'reached'], ...rows]));
  for (const { scenario, wrong, remarks = [] } of results) {
    if (wrong > 0) lines.push(`${scenario}: ${wrong} messages were refused, missing, doubled or out of order: this result is void`);
    lines.push(...remarks.map((remark) => `${scenario}: ${remark}`));
  }
  return lines;
}

const unit = (target: Target) => (target.unit === '' || target.unit.startsWith('/') ? target.unit : ` ${target.unit}`);
const bound = (target: Target) => ('atLeast' in target ? `>= ${target.atLeast}${unit(target)}` : `<= ${target.atMost}${unit(target)}`);
const value = (target: Target) => `${target.measured}${unit(target)}`;

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd());
}
