/**
 * Stories with programs of others (Kannel, Postfix, Dovecot, swaks), which cannot be had everywhere. Where they cannot, that is a result
 * of its own: with CI=true a failure, so that nobody takes a proof for given that never ran, elsewhere a test that says so.
 */
export function describeWithPeer(name: string, missing: string | undefined, stories: () => void): void {
  if (missing === undefined) return describe(name, stories);
  return describe(name, () => {
    it(`NOT PROVEN HERE: ${missing}`, () => {
      if (process.env['CI'] === 'true') throw new Error(`${name}: ${missing}`);
    });
  });
}
