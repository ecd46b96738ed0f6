import { FairPool } from './fair-pool.js';

type Piece = { account: string; host: string; end: () => void };
const turns = async () => { for (let n = 0; n < 5; n++) await new Promise((resolve) => { setImmediate(resolve); }); };

it('is drained when nobody asks for more any longer, also not for what ended just now', async () => {
  const pieces: Piece[] = [];
  const answers: (() => void)[] = [];
  const took: Piece[][] = [['one', 'two'].map((host) => ({ account: 'AC', host, end: () => {} }))];
  const pool = new FairPool<Piece>(
    { all: 10, account: 10, host: 10 },
    () => new Promise((resolve) => { answers.push(() => resolve(took.shift() ?? [])); }),
    (piece) => new Promise((resolve) => { piece.end = resolve; pieces.push(piece); }),
  );
  let answered = 0;
  const answer = async () => { while (answered < answers.length) answers[answered++]!(); await turns(); };
  let drained = false;
  const draining = pool.drain().then(() => { drained = true; });
  await turns();
  await answer();
  pieces[0]!.end(); // what has room is asked for now, and the drain asks behind that
  await turns();
  pieces[1]!.end(); // and once more
  await turns();
  for (let n = 0; n < 20 && !drained; n++) await answer();
  await draining;
  expect(answers).toHaveLength(answered); // nobody waits for an answer still, who could begin something
});
