/** How the official SDK tells that a call was refused. */
export type RestException = { status: number; code: number; message: string; moreInfo: string };

/** The error of a call that must fail. */
export async function refused(call: Promise<unknown>): Promise<RestException> {
  try {
    await call;
  } catch (error) {
    return error as RestException;
  }
  throw new Error('it was accepted');
}

export async function refusal(call: Promise<unknown>): Promise<[status: number, code: number]> {
  const { status, code } = await refused(call);
  return [status, code];
}
