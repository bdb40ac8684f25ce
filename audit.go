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

// AuditEntry is an entry of the organization's audit log. Secrets in Request, Response
// and Raw, such as acceptance tokens, are replaced by "[secret]".
type AuditEntry struct {
	UID             string
	OrganizationUID string
	// CreatedAt is zero if the server's text is not a time.
	CreatedAt  time.Time
	CreatedBy  string // the uid of a user
	Module     string // such as "user"
	EventType  string // "share" and "logout" are documented
	RemoteAddr string
	Metadata   map[string]any
	// Request and Response are the request that made the change, and its response.
	Request, Response json.RawMessage
	// Raw is the whole entry.
	Raw json.RawMessage
}

// UnmarshalJSON decodes an entry as the API sends it.
func (e *AuditEntry) UnmarshalJSON(data []byte) error {
	data, err := maskSecrets(data)
	if err != nil {
		return err
	}
	var wire struct {
		UID             string          `json:"uid"`
		OrganizationUID string          `json:"org_uid"`
		CreatedAt       json.RawMessage `json:"created_at"`
		CreatedBy       roleRef         `json:"created_by"` // a uid, or an object with a uid
		Module          string          `json:"module"`
		EventType       string          `json:"event_type"`
		RemoteAddr      string          `json:"remote_addr"`
		Metadata        json.RawMessage `json:"metadata"`
		Request         json.RawMessage `json:"request"`
		Response        json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	var created timestamp
	_ = json.Unmarshal(wire.CreatedAt, &created) // the samples have ISODate(…)
	*e = AuditEntry{
		UID: wire.UID, OrganizationUID: wire.OrganizationUID, CreatedAt: created.Time, CreatedBy: wire.CreatedBy.UID, Module: wire.Module,
		EventType: wire.EventType, RemoteAddr: wire.RemoteAddr, Request: wire.Request, Response: wire.Response, Raw: data,
	}
	_ = json.Unmarshal(wire.Metadata, &e.Metadata) // an object, if the documentation is right
	return nil
}

// MarshalJSON encodes Raw.
func (e AuditEntry) MarshalJSON() ([]byte, error) { return e.Raw.MarshalJSON() }

// secretFields are the names of fields whose values are secrets.
var secretFields = []string{
	"acceptance_token", "authtoken", "transfer_ownership_token", "password", "tfa_token", "access_token", "refresh_token",
	"master_key", "secret_key",
}

// maskSecrets returns a copy of a JSON text with the values of secret fields replaced.
func maskSecrets(data []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if !maskIn(value) {
		return bytes.Clone(data), nil
	}
	var masked bytes.Buffer
	encoder := json.NewEncoder(&masked)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimRight(masked.Bytes(), "\n"), err
}

// maskIn replaces the values of secret fields, and reports whether there were any.
func maskIn(value any) (found bool) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			found = maskIn(element) || found
		}
	case map[string]any:
		for name, element := range value {
			if element != nil && element != "" && slices.Contains(secretFields, name) {
				value[name] = "[secret]"
				found = true
			} else {
				found = maskIn(element) || found
			}
		}
	}
	return found
}

// AuditLogOptions select entries of the audit log. The API has no parameters for
// them, so all entries are read and the others are left out. Nil selects all entries.
type AuditLogOptions struct {
	// Since and Until bound CreatedAt; Since is included, Until is not. An entry whose
	// time cannot be read is kept. Zero means no bound.
	Since, Until time.Time
	// CreatedBy keeps the entries of the user with this uid.
	CreatedBy string
	// EventType and Module keep the entries with these values.
	EventType, Module string
}

func (o *AuditLogOptions) keep(e *AuditEntry) bool {
	switch {
	case o == nil:
		return true
	case !o.Since.IsZero() && !e.CreatedAt.IsZero() && e.CreatedAt.Before(o.Since),
		!o.Until.IsZero() && !e.CreatedAt.IsZero() && !e.CreatedAt.Before(o.Until),
		o.CreatedBy != "" && o.CreatedBy != e.CreatedBy,
		o.EventType != "" && o.EventType != e.EventType,
		o.Module != "" && o.Module != e.Module:
		return false
	default:
		return true
	}
}

// auditPageSize is the page size of the audit log.
const auditPageSize = 25

// AuditLog returns a sequence of the organization's audit log, newest entry first,
// for the last 30 days. Like [Client.Users] it is complete or ends with an error:
// [ErrIncomplete], or the error of a request. Break out of the loop when you have
// enough entries.
//
// It sends GET /organizations/{organization_uid}/logs (documented), once for about
// every 23 entries.
func (c *Client) AuditLog(ctx context.Context, opts *AuditLogOptions) iter.Seq2[*AuditEntry, error] {
	all := listAll(ctx, opAuditLog, paging.List[*AuditEntry]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*AuditEntry], error) {
			q := struct {
				Limit int `url:"limit"`
				Skip  int `url:"skip"`
			}{limit, skip}
			var response auditResponse
			err := c.do(ctx, opAuditLog, input{query: q}, &response)
			return paging.Page[*AuditEntry]{Rows: response.Logs, Count: countOf(response.Count)}, err
		},
		Key:      func(e *AuditEntry) string { return e.UID },
		PageSize: auditPageSize,
	})
	return filterSeq(all, opts.keep)
}

type auditResponse struct {
	Logs  []*AuditEntry `json:"logs"`
	Count *int          `json:"count"`
}

func (r *auditResponse) complete() bool { return r.Logs != nil && !slices.Contains(r.Logs, nil) }

// GetAuditEntry returns one entry of the audit log. It returns [ErrNotFound] if there is
// no entry with the uid, and [ErrInvalid], without sending anything, if the uid is empty
// or would change the path.
//
// It sends GET /organizations/{organization_uid}/logs/{log_uid} (documented).
func (c *Client) GetAuditEntry(ctx context.Context, uid string) (*AuditEntry, error) {
	var response entryResponse
	if err := c.do(ctx, opGetAuditEntry, input{path: map[string]string{"log_uid": uid}}, &response); err != nil {
		return nil, err
	}
	return response.Log, nil
}

type entryResponse struct {
	Log *AuditEntry `json:"log"`
}

func (r *entryResponse) complete() bool { return r.Log != nil }
