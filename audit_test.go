package orgusers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

func TestAuditLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := crowded(t)
		for range 3 {
			if _, err := client.ResendInvitations(t.Context(), operations.Twelve(operations.Pending), nil); err != nil {
				t.Fatal(err)
			}
		}
		me, err := client.GetCurrentUser(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := mustCollect(t, client.AuditLog(t.Context(), nil))
		if len(all) != 36 {
			t.Fatalf("%d entries, want 36", len(all))
		}
		last := all[0] // the newest comes first
		if last.UID == "" || last.CreatedAt.Before(all[35].CreatedAt) || last.CreatedBy != me.UID || len(last.Raw) == 0 {
			t.Errorf("the newest entry is %+v", last)
		}
		for name, tt := range map[string]struct {
			opts orgusers.AuditLogOptions
			keep func(*orgusers.AuditEntry) bool
		}{
			"no options":   {orgusers.AuditLogOptions{}, func(*orgusers.AuditEntry) bool { return true }},
			"mine":         {orgusers.AuditLogOptions{CreatedBy: me.UID, Module: last.Module, EventType: last.EventType}, func(*orgusers.AuditEntry) bool { return true }},
			"someone else": {orgusers.AuditLogOptions{CreatedBy: "blt0"}, func(*orgusers.AuditEntry) bool { return false }},
			"other events": {orgusers.AuditLogOptions{EventType: "logout"}, func(*orgusers.AuditEntry) bool { return false }},
			"other module": {orgusers.AuditLogOptions{Module: "stack"}, func(*orgusers.AuditEntry) bool { return false }},
			"since":        {orgusers.AuditLogOptions{Since: last.CreatedAt}, func(e *orgusers.AuditEntry) bool { return !e.CreatedAt.Before(last.CreatedAt) }},
			"until":        {orgusers.AuditLogOptions{Until: last.CreatedAt}, func(e *orgusers.AuditEntry) bool { return e.CreatedAt.Before(last.CreatedAt) }},
		} {
			var want []*orgusers.AuditEntry
			for _, entry := range all {
				if tt.keep(entry) {
					want = append(want, entry)
				}
			}
			if diff := cmp.Diff(want, mustCollect(t, client.AuditLog(t.Context(), &tt.opts))); diff != "" {
				t.Errorf("%s: -want +got:\n%s", name, diff)
			}
		}
		one, err := client.GetAuditEntry(t.Context(), last.UID)
		if diff := cmp.Diff(last, one); err != nil || diff != "" {
			t.Errorf("got %v; -want +got:\n%s", err, diff)
		}
		if _, err := client.GetAuditEntry(t.Context(), "blt404"); !errors.Is(err, orgusers.ErrNotFound) {
			t.Errorf("an unknown uid: got %v, want ErrNotFound", err)
		}
	})
}

// The documentation's sample has ISODate(…) for a time: the entry is kept, also by
// bounds of the time.
func TestSampleOfTheAuditLog(t *testing.T) {
	t.Parallel()
	client := newClient(t, samplePages(t, map[string]string{"logs": "audit_log.json"}))
	for _, opts := range []*orgusers.AuditLogOptions{nil, {Since: time.Now()}, {Until: time.Unix(1, 0)}} {
		entries := mustCollect(t, client.AuditLog(t.Context(), opts))
		if len(entries) != 1 {
			t.Fatalf("%d entries, want 1", len(entries))
		}
		got := *entries[0]
		if !strings.Contains(string(got.Request), `"users"`) || !strings.Contains(string(got.Response), `"notice"`) || !strings.Contains(string(got.Raw), "ISODate") {
			t.Errorf("got %s, %s and %s", got.Request, got.Response, got.Raw)
		}
		got.Request, got.Response, got.Raw = nil, nil, nil
		want := orgusers.AuditEntry{
			UID: "blt0a1b2c3d4e5f60718293", OrganizationUID: "blt9999000011112222", CreatedBy: "blteeeeffff00001111", Module: "user",
			EventType: "share", RemoteAddr: "192.0.2.10", Metadata: map[string]any{"uid": "blt5555666677778888"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestAuditEntryDecodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       orgusers.AuditEntry
	}{
		{"unknown fields", `{"uid":"a","extra":{"b":[1]}}`, orgusers.AuditEntry{UID: "a"}},
		{"an empty object", `{}`, orgusers.AuditEntry{}},
		{"a time", `{"created_at":"2023-10-13T12:17:02.473Z"}`, orgusers.AuditEntry{CreatedAt: time.Date(2023, 10, 13, 12, 17, 2, 473_000_000, time.UTC)}},
		{"a time that is a number", `{"created_at":1697199422}`, orgusers.AuditEntry{}},
		{"a creator as an object", `{"created_by":{"uid":"u","email":"a@example.com"}}`, orgusers.AuditEntry{CreatedBy: "u"}},
		{"nulls", `{"uid":null,"created_at":null,"created_by":null,"metadata":null,"request":null}`, orgusers.AuditEntry{Request: json.RawMessage("null")}},
		{"metadata that is a list", `{"metadata":[1]}`, orgusers.AuditEntry{}},
	}
	for _, tt := range tests {
		var got orgusers.AuditEntry
		if err := json.Unmarshal([]byte(tt.text), &got); err != nil {
			t.Fatal(err)
		}
		tt.want.Raw = json.RawMessage(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
		for _, value := range []any{got, &got, []orgusers.AuditEntry{got}[0]} {
			if encoded, err := json.Marshal(value); err != nil || string(encoded) != tt.text {
				t.Errorf("%s: encoded as %s, %v", tt.name, encoded, err)
			}
		}
	}
	if encoded, err := json.Marshal(orgusers.AuditEntry{}); err != nil || string(encoded) != "null" {
		t.Errorf("the zero entry is encoded as %s, %v", encoded, err)
	}
}

// Secrets are masked at any depth, in every field that holds a part of the entry.
func TestAuditEntryMasksSecrets(t *testing.T) {
	t.Parallel()
	const text = `{"uid":"a","big":12345678901234567890,"metadata":{"authtoken":"s3cret"},"request":{"user":{"password":"s3cret","tfa_token":"s3cret"}},
		"response":{"shares":[{"acceptance_token":"s3cret","n":1},{"deeper":[[{"transfer_ownership_token":"s3cret"}]]}],"access_token":{"x":"s3cret"}},"refresh_token":["s3cret"],"authtoken":"","password":null}`
	var entry orgusers.AuditEntry
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(entry)
	shown := fmt.Sprintf("%v %+v %s %s %s %s", entry, entry.Metadata, entry.Request, entry.Response, entry.Raw, encoded)
	if err != nil || strings.Contains(shown, "s3cret") || strings.Count(string(encoded), `"[secret]"`) != 7 {
		t.Errorf("got %v and %s", err, shown)
	}
	for _, want := range []string{`"big":12345678901234567890`, `"n":1`, `"authtoken":""`, `"password":null`} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("%s is missing in %s", want, encoded)
		}
	}
}
