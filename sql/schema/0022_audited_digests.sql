-- 0022_audited_digests.sql - who checks the ledger sees what it keeps of digests
-- (ledger.md, 5.1).

SET LOCAL ROLE hub_owner;

GRANT SELECT ON ledger.digest_ack, ledger.run_digest TO hub_auditor;
