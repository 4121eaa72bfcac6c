-- What was decided about people and messages: who, what, about whom, why. Rows are added and never changed.
CREATE TABLE audit_log (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BIGINT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_subject ON audit_log (subject_kind, subject_id);

-- Which number served which service when: a number does not serve the same service again within a year.
CREATE TABLE number_services (
    number_id BIGINT NOT NULL REFERENCES numbers (id),
    service TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (number_id, service)
);
INSERT INTO number_services (number_id, service, used_at)
SELECT number_id, service, MAX(COALESCE(released_at, allocated_at)) FROM number_allocations GROUP BY number_id, service;
