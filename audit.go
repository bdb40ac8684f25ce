package orgusers

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// AuditEntry is one entry of the organization's audit log. Its fields are not
// documented; those here have been observed in the vendor's SDKs, and are
// empty where the server does not send them. Raw has all of it.
type AuditEntry struct {
	UID        string
	CreatedAt  time.Time
	CreatedBy  string // the uid of a user
	Module     string
	EventType  string
	RequestID  string
	RemoteAddr string
	// Raw is the entry as it came.
	Raw json.RawMessage
}

// UnmarshalJSON reads an entry as the API sends it.
func (e *AuditEntry) UnmarshalJSON(data []byte) error {
	var wire struct {
		UID        string          `json:"uid"`
		CreatedAt  timestamp       `json:"created_at"`
		CreatedBy  json.RawMessage `json:"created_by"`
		Module     string          `json:"module"`
		EventType  string          `json:"event_type"`
		RequestID  string          `json:"request_id"`
		RemoteAddr string          `json:"remote_addr"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	var by roleRef // a uid, or an object that has one
	if len(wire.CreatedBy) > 0 {
		if err := json.Unmarshal(wire.CreatedBy, &by); err != nil {
			return err
		}
	}
	*e = AuditEntry{
		UID: wire.UID, CreatedAt: wire.CreatedAt.Time, CreatedBy: by.UID, Module: wire.Module, EventType: wire.EventType,
		RequestID: wire.RequestID, RemoteAddr: wire.RemoteAddr, Raw: bytes.Clone(data),
	}
	return nil
}

// MarshalJSON writes the entry as it came.
func (e AuditEntry) MarshalJSON() ([]byte, error) { return e.Raw.MarshalJSON() }

// AuditLogOptions picks entries of the audit log. The API has no parameter
// for any of it: other entries are read and left out. Nil picks all.
type AuditLogOptions struct {
	// Since and Until bound CreatedAt, Since included and Until not; zero is
	// no bound.
	Since, Until time.Time
	// CreatedBy is the uid of a user.
	CreatedBy string
	// EventType and Module are as the server words them.
	EventType, Module string
}

func (o *AuditLogOptions) picks(e *AuditEntry) bool {
	switch {
	case o == nil:
		return true
	case !o.Since.IsZero() && e.CreatedAt.Before(o.Since),
		!o.Until.IsZero() && !e.CreatedAt.Before(o.Until),
		o.CreatedBy != "" && o.CreatedBy != e.CreatedBy,
		o.EventType != "" && o.EventType != e.EventType,
		o.Module != "" && o.Module != e.Module:
		return false
	default:
		return true
	}
}

// auditPageSize is how many entries the API sends at a time.
const auditPageSize = 25

// AuditLog reads the organization's audit log in the server's order, each
// entry once, or ends with an error, as [Client.Users] does: that of a request
// that failed, or [ErrIncomplete]. It can be long, and nothing says that its
// order is by time: leave the range when there is enough.
//
// It sends GET /organizations/{organization_uid}/logs for about every 23 entries
// (documented; what is in an entry is not).
func (c *Client) AuditLog(ctx context.Context, opts *AuditLogOptions) iter.Seq2[*AuditEntry, error] {
	all := listAll(ctx, opAuditLog, paging.List[*AuditEntry]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*AuditEntry], error) {
			q := struct {
				Limit int `url:"limit"`
				Skip  int `url:"skip"`
			}{limit, skip}
			var answer auditAnswer
			_, err := c.do(ctx, opAuditLog, input{query: q}, &answer)
			return paging.Page[*AuditEntry]{Rows: answer.Logs, Count: countOf(answer.Count)}, err
		},
		Key:      func(e *AuditEntry) string { return e.UID },
		PageSize: auditPageSize,
	})
	return func(yield func(*AuditEntry, error) bool) {
		for entry, err := range all {
			if (err != nil || opts.picks(entry)) && !yield(entry, err) {
				return
			}
		}
	}
}

type auditAnswer struct {
	Logs  []*AuditEntry `json:"logs"`
	Count *int          `json:"count"`
}

func (a *auditAnswer) complete() bool { return a.Logs != nil && !slices.Contains(a.Logs, nil) }

// GetAuditEntry reads one entry of the audit log. One that is not there is
// [ErrNotFound]; a uid that is empty or would change the path is [ErrInvalid],
// and nothing is sent.
//
// It sends GET /organizations/{organization_uid}/logs/{log_uid} (documented;
// what is in an entry is not).
func (c *Client) GetAuditEntry(ctx context.Context, uid string) (*AuditEntry, error) {
	var answer logAnswer
	_, err := c.do(ctx, opAuditEntry, input{path: map[string]string{"log_uid": uid}}, &answer)
	return answer.Log, err
}

type logAnswer struct {
	Log *AuditEntry `json:"log"`
}

func (a *logAnswer) complete() bool { return a.Log != nil }
