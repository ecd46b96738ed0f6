import { keywordKind } from './opt-out.js';

describe('keywordKind', () => {
  it.each([
    ['STOP', 'opt_out'], ['  Stop. \n', 'opt_out'], ['"stop all"', 'opt_out'], ['opt-out!', 'opt_out'], ['revoke', 'opt_out'],
    ['start', 'opt_in'], ['Unstop', 'opt_in'], ['help', 'help'], ['Info.', 'help'],
    ['stop by at 5 please', 'message'], ['STOP PLEASE', 'message'], ['', 'message'], [null, 'message'], ['x'.repeat(5000), 'message'],
  ] as const)('%j is %s', (text, kind) => expect(keywordKind(text)).toBe(kind));
  it.each([
    ['Alto', 'opt_out'], ['¡baja!', 'opt_out'], ['no mas', 'opt_out'], ['ayuda', 'help'], ['Arrêt', 'opt_out'], ['ARRET.', 'opt_out'], ['aide', 'help'],
    ['Stopp', 'opt_out'], ['abmelden', 'opt_out'], ['Hilfe', 'help'], ['Sair', 'opt_out'], ['começar', 'opt_in'], ['basta!', 'opt_out'], ['Stoppen', 'opt_out'],
    ['oui', 'message'], ['sí', 'message'], ['Stopp das bitte', 'message'], ['fin', 'message'],
  ] as const)('%j of another language is %s', (text, kind) => expect(keywordKind(text)).toBe(kind));
  it('knows other languages only where they are wanted, English everywhere', () => {
    expect(keywordKind('alto', ['de'])).toBe('message');
    expect(keywordKind('stopp', ['de'])).toBe('opt_out');
    expect(keywordKind('stop', [])).toBe('opt_out');
  });
});
