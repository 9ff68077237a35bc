import { expect } from 'chai';
import { SojournError, toError } from '../../shared/errors.ts';

describe('an error of ours', () => {
  it('is known by its code and its name, and keeps its cause', () => {
    const cause = new Error('below');
    const error = new SojournError('SJ_TIMEOUT', 'too late', { cause });

    expect(error).to.include({ code: 'SJ_TIMEOUT', name: 'SojournError', message: 'too late' });
    expect(error.cause).to.equal(cause);
    expect(String(error)).to.equal('SojournError: too late');
  });
});

describe('whatever was thrown', () => {
  it('is an error: itself, or one that says what it was', () => {
    const error = new RangeError('x');

    expect(toError(error)).to.equal(error);
    expect(toError('text')).to.be.instanceOf(Error).with.property('message', 'text');
    expect(toError(undefined).message).to.equal('undefined');
  });
});
