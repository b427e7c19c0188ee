-- SPDX-License-Identifier: Apache-2.0
--
-- What the host claims (table claims, a row a run) against what the world's ledger holds (world).
-- One row: runs, done, waiting, others, booked by the host, live bookings, duplicates, lost.
WITH
live AS (SELECT id, reference FROM world.bookings WHERE status = 'confirmed'),
mails AS (SELECT id, subject FROM world.mails),
open AS (SELECT reference FROM claims WHERE status IN ('running', 'waiting')),
-- A run that is final and not done has undone what it booked.
kept AS (SELECT * FROM claims WHERE booking <> '' AND status IN ('running', 'waiting', 'done')),
duplicates AS (
    SELECT count(*) - count(DISTINCT reference) AS n FROM live
    UNION ALL SELECT count(*) - count(DISTINCT subject) FROM mails
),
lost AS (
    SELECT count(*) AS n FROM kept
        WHERE NOT EXISTS (SELECT 1 FROM live WHERE id = booking AND live.reference = kept.reference)
    UNION ALL SELECT count(*) FROM claims WHERE status = 'done' AND booking = ''
    UNION ALL SELECT count(*) FROM live
        WHERE NOT EXISTS (SELECT 1 FROM kept WHERE booking = live.id)
          AND reference NOT IN (SELECT reference FROM open)
    UNION ALL SELECT count(*) FROM claims
        WHERE mail <> '' AND NOT EXISTS (SELECT 1 FROM mails WHERE id = claims.mail)
    UNION ALL SELECT count(*) FROM claims WHERE status = 'done' AND mail = ''
    UNION ALL SELECT count(*) FROM mails
        WHERE NOT EXISTS (SELECT 1 FROM claims WHERE mail = mails.id)
          AND NOT EXISTS (SELECT 1 FROM open WHERE subject = 'Your trip ' || reference)
)
SELECT (SELECT count(*) FROM claims),
       (SELECT count(*) FROM claims WHERE status = 'done'),
       (SELECT count(*) FROM claims WHERE status IN ('running', 'waiting')),
       (SELECT count(*) FROM claims WHERE status NOT IN ('running', 'waiting', 'done')),
       (SELECT count(*) FROM kept),
       (SELECT count(*) FROM live),
       (SELECT sum(n) FROM duplicates),
       (SELECT sum(n) FROM lost);
