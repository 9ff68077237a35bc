import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { expectWriterLogin } from '../../operations/writer-login.ts';
import { connectClickHouse } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { toError } from '../../shared/errors.ts';

const REFUSED =
  'Code: 516. DB::Exception: sojourn_writer: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)';
const UNKNOWN =
  'Code: 62. DB::Exception: Syntax error: failed at position 1 (CHECK). (SYNTAX_ERROR)';
/** A format behind it is a syntax error. */
const QUESTION = 'CHECK GRANT INSERT ON sojourn.projects';
const fail = (error: unknown): never => {
  throw error;
};

describe('the login of the writer', () => {
  let server: Server;
  let url: string;
  let isRefusing = false;
  /** What is said to who asks for a right; undefined: that there is no such question. */
  let right: string | undefined = '1';

  before(async () => {
    server = createServer((request, response) => {
      text(request).then((asked) => {
        if (isRefusing) {
          response.writeHead(403, { 'x-clickhouse-exception-code': '516' }).end(REFUSED);
        } else if (!asked.includes('CHECK GRANT')) {
          response.end('1\n');
        } else if (right === undefined || asked.trim() !== QUESTION) {
          response.writeHead(400, { 'x-clickhouse-exception-code': '62' }).end(UNKNOWN);
        } else {
          response.end(`${right}\n`);
        }
      }, fail);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** What is wrong with it, or nothing. */
  async function faultOf(variables: Readonly<Record<string, string>>): Promise<string> {
    const config = requireServers(loadConfig({ CLICKHOUSE_URL: url, ...variables }), [
      'CLICKHOUSE_URL',
    ]);
    const writer = connectClickHouse(config, 'writer');
    try {
      await expectWriterLogin(config, writer);
      return '';
    } catch (error) {
      const { code = '' } = error as { code?: string };
      return `${code}: ${toError(error).message}`;
    } finally {
      await writer.close();
    }
  }

  it('is well where ClickHouse takes it, with a password or without', async () => {
    isRefusing = false;
    expect(await faultOf({})).to.equal('');
    expect(await faultOf({ CLICKHOUSE_WRITER_PASSWORD: 'right' })).to.equal('');
  });

  it('is told by the variable that is missing, or by all where it is wrong', async () => {
    isRefusing = true;
    expect(await faultOf({})).to.match(/^SJ_CONFIG: not set: CLICKHOUSE_WRITER_PASSWORD;/);
    const wrong = await faultOf({ CLICKHOUSE_WRITER_PASSWORD: 'wrong' });
    expect(wrong).to.match(/^SJ_SERVER_UNREACHABLE: .*refuses the login; set .*CLICKHOUSE_WRITER_/);
  });

  it('is not enough where it may not write the row', async () => {
    isRefusing = false;
    right = '0';
    expect(await faultOf({ CLICKHOUSE_WRITER_USER: 'reader' })).to.match(
      /^SJ_CONFIG: ClickHouse lets reader in, and .*INSERT ON sojourn.projects/,
    );
    right = '1';
    expect(await faultOf({})).to.equal('');
  });

  it('is enough where the server does not know how to be asked for more', async () => {
    isRefusing = false;
    right = undefined;
    expect(await faultOf({})).to.equal('');
  });

  it('is not judged where nobody answers', async () => {
    expect(await faultOf({ CLICKHOUSE_URL: 'http://127.0.0.1:1' })).to.equal('');
  });
});
