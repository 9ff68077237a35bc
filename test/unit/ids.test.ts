import { expect } from 'chai';
import fc from 'fast-check';
import * as ids from '../../shared/ids.ts';
import {
  deadLetterSubject,
  loaderWorkflowId,
  metricsUpdatedSubject,
  parseEventSubject,
  parseSessionWorkflowId,
  partitionOf,
  PROJECT_PATTERN,
  ROLLUP_PARTITIONS,
  rollupSubject,
  sessionWorkflowId,
} from '../../shared/ids.ts';

describe('the workflow id of a session', () => {
  it('names project and session, whatever the session id holds', () => {
    expect(sessionWorkflowId('shop', 'a/b')).to.equal('session/shop/a/b');
    expect(parseSessionWorkflowId('session/shop/a/b')).to.deep.equal({
      project: 'shop',
      sessionId: 'a/b',
    });
  });

  it('is read back for any session id', () => {
    const project = fc.stringMatching(PROJECT_PATTERN);
    const sessionId = fc.string({ unit: 'binary', minLength: 1, maxLength: 128 });
    fc.assert(
      fc.property(project, sessionId, (p, s) => {
        expect(parseSessionWorkflowId(sessionWorkflowId(p, s))).to.deep.equal({
          project: p,
          sessionId: s,
        });
      }),
    );
  });

  it('is not read out of other workflow ids', () => {
    for (const id of ['loader/0', 'session', 'session/shop', 'session//x', 'a/session/shop/x']) {
      expect(parseSessionWorkflowId(id), id).to.equal(undefined);
    }
  });
});

describe('the rollup log', () => {
  it('has one partition: with a second one ranges may count twice (docs/decisions/059)', () => {
    expect(ROLLUP_PARTITIONS).to.equal(1);
  });
});

describe('a subject', () => {
  it('of an event gives the project, and says whether it keeps the rules', () => {
    expect(parseEventSubject('events.shop.pageview')).to.deep.equal({
      project: 'shop',
      valid: true,
    });
    expect(parseEventSubject('events.shop.a.b')).to.deep.equal({ project: 'shop', valid: true });
    expect(parseEventSubject('events.shop')).to.include({ valid: false });
    expect(parseEventSubject('events.Shop.pageview')).to.include({ valid: false });
    expect(parseEventSubject(`events.${'x'.repeat(65)}.pageview`)).to.include({ valid: false });
    expect(parseEventSubject('metrics.updated.shop')).to.equal(undefined);
    expect(parseEventSubject('events')).to.equal(undefined);
  });

  it('of a difference is its identity', () => {
    expect(rollupSubject(0, 'run-1', 7)).to.equal('rollups.0.run-1.7');
  });

  it('of what others read is as the contract says', () => {
    expect(metricsUpdatedSubject('shop')).to.equal('metrics.updated.shop');
    expect(deadLetterSubject('shop')).to.equal('deadletters.shop');
    expect(loaderWorkflowId(0)).to.equal('loader/0');
  });
});

describe('the names that other systems know', () => {
  it('stay what they are: changing one is a new system beside the old', () => {
    expect(ids).to.include({
      TASK_QUEUE: 'sojourn',
      SESSION_WORKFLOW: 'session',
      LOADER_WORKFLOW: 'loader',
      EVENTS_STREAM: 'EVENTS',
      EVENTS_CONSUMER: 'ingest',
      ROLLUPS_STREAM: 'ROLLUPS',
      METRICS_STREAM: 'METRICS',
      DEADLETTERS_STREAM: 'DEADLETTERS',
      PROJECTS_BUCKET: 'PROJECTS',
      PROJECTS_STREAM: 'KV_PROJECTS',
      FORGOTTEN_BUCKET: 'FORGOTTEN',
      FORGOTTEN_STREAM: 'KV_FORGOTTEN',
    });
  });
});

describe('the partition of a session', () => {
  it('is always the same one of those there are', () => {
    fc.assert(
      fc.property(fc.string(), (identity) => {
        expect(partitionOf(identity, ROLLUP_PARTITIONS)).to.equal(
          partitionOf(identity, ROLLUP_PARTITIONS),
        );
        expect(partitionOf(identity, ROLLUP_PARTITIONS)).to.be.within(0, ROLLUP_PARTITIONS - 1);
      }),
    );
  });
});
