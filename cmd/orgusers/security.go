package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// bulkCall is a method of the client that changes many users.
type bulkCall func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)

const endpointsHelp = `

The API has no public request for this. A request that you know of comes from a
file, which no other user must be able to write:

  {
    "unlock": {
      "method": "POST",
      "path": "/v3/organizations/{organization_uid}/…",
      "response": {"list": "users", "email": "email", "status": "status",
                   "detail": "reason", "done": ["done"], "skipped": ["skipped"]}
    },
    "reset_mfa": …, "reset_password": …, "end_sessions": …, "set_roles": …
  }

The body is {"emails":[…]} with up to ten addresses. "response" names the list of
outcomes in the response, their fields, and the statuses that mean done and
skipped; all others mean failed. Without it, a response of 2xx means done for all.`

func newSecurityCommand(t *tool) *cobra.Command {
	return newGroup("security", "Unlock accounts, reset MFA and passwords, and end sessions",
		newSecurityActionCommand(t, "unlock", "Unlock accounts that are locked after failed logins", "unlocked",
			(*orgusers.Client).UnlockUsers, func(e *orgusers.Endpoints) orgusers.Endpoint { return e.Unlock }),
		newSecurityActionCommand(t, "reset-mfa", "Reset MFA; each user gets an email", "reset",
			(*orgusers.Client).ResetMFA, func(e *orgusers.Endpoints) orgusers.Endpoint { return e.ResetMFA }),
		newSecurityActionCommand(t, "reset-password", "Make users choose a new password at the next login; each gets an email", "reset",
			(*orgusers.Client).ForcePasswordReset, func(e *orgusers.Endpoints) orgusers.Endpoint { return e.ForcePasswordReset }),
		newSecurityActionCommand(t, "send-password-email", "Send the email with instructions for a new password", "sent", (*orgusers.Client).SendPasswordResets, nil),
		newSecurityActionCommand(t, "end-sessions", "Log users out", "logged out",
			(*orgusers.Client).EndSessions, func(e *orgusers.Endpoints) orgusers.Endpoint { return e.EndSessions }),
	)
}

// newSecurityActionCommand returns a command for one action. Endpoint returns the
// endpoint that the action needs; it is nil if the API has a public request.
func newSecurityActionCommand(t *tool, use, short, done string, call bulkCall, endpoint func(*orgusers.Endpoints) orgusers.Endpoint) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: short + ".", Args: noArgs}
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	file := new(string)
	if endpoint != nil {
		cmd.Long += endpointsHelp
		file = endpointsFlag(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		emails, err := addresses.read(ctx)
		if err != nil {
			return err
		}
		endpoints, options, err := readEndpoints(*file)
		if err != nil {
			return err
		}
		o, err := t.open(ctx, options...)
		if err != nil {
			return err
		}
		defer o.close()
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		if endpoint != nil && !*flags.apply && endpoint(&endpoints).Path != "" {
			t.say("dry run: the request would be %s %s", endpoint(&endpoints).Method, endpoint(&endpoints).Path)
		}
		p := t.newProgress("users")
		bulk := flags.options(p)
		result, err := call(o.client, ctx, emails, &bulk)
		p.Clear()
		return t.report(o, change{done: done, ifUnknown: "look whether it was done before you repeat it: emails may be sent twice"}, result, err)
	}
	return cmd
}

func endpointsFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("endpoints", "", "read requests that are not public from this JSON `file`")
}

// endpoint is a request in the file of --endpoints.
type endpoint struct {
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	Response *responseForm `json:"response"`
}

// responseForm says where outcomes are in a response.
type responseForm struct {
	List    string   `json:"list"`
	Email   string   `json:"email"`
	Status  string   `json:"status"`
	Detail  string   `json:"detail"`
	Done    []string `json:"done"`
	Skipped []string `json:"skipped"`
}

// readEndpoints reads the file of --endpoints, if there is one. The option is for
// the client.
func readEndpoints(path string) (orgusers.Endpoints, []orgusers.Option, error) {
	if path == "" {
		return orgusers.Endpoints{}, nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return orgusers.Endpoints{}, nil, badInput("--endpoints: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return orgusers.Endpoints{}, nil, badInput("--endpoints: others can write %s (mode %04o), and so choose what is sent: run chmod go-w", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return orgusers.Endpoints{}, nil, badInput("--endpoints: %w", err)
	}
	var file struct {
		Unlock        endpoint `json:"unlock"`
		ResetMFA      endpoint `json:"reset_mfa"`
		ResetPassword endpoint `json:"reset_password"`
		EndSessions   endpoint `json:"end_sessions"`
		SetRoles      endpoint `json:"set_roles"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&file)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one object")
		}
	}
	if err != nil {
		return orgusers.Endpoints{}, nil, badInput("--endpoints: %s: %w", path, err)
	}
	endpoints := orgusers.Endpoints{
		Unlock:             file.Unlock.forClient(),
		ResetMFA:           file.ResetMFA.forClient(),
		ForcePasswordReset: file.ResetPassword.forClient(),
		EndSessions:        file.EndSessions.forClient(),
		UpdateRoles:        file.SetRoles.forClient(),
	}
	return endpoints, []orgusers.Option{orgusers.WithEndpoints(endpoints)}, nil
}

func (e endpoint) forClient() orgusers.Endpoint {
	if e.Path == "" {
		return orgusers.Endpoint{}
	}
	result := orgusers.Endpoint{Method: cmp.Or(e.Method, http.MethodPost), Path: e.Path}
	if e.Response != nil {
		result.Decode = e.Response.decode
	}
	return result
}

// decode reads the outcomes of a response.
func (f *responseForm) decode(response []byte) ([]orgusers.Outcome, error) {
	var body map[string]json.RawMessage
	var rows []map[string]any
	if err := json.Unmarshal(response, &body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body[cmp.Or(f.List, "users")], &rows); err != nil {
		return nil, fmt.Errorf("the list of outcomes: %w", err)
	}
	field := func(row map[string]any, name string) string {
		text, _ := row[name].(string)
		return text
	}
	outcomes := make([]orgusers.Outcome, len(rows))
	for i, row := range rows {
		outcome := orgusers.Outcome{
			Email:  field(row, cmp.Or(f.Email, "email")),
			Status: orgusers.OutcomeFailed,
			Reason: orgusers.ReasonEndpoint,
			Detail: field(row, cmp.Or(f.Detail, "detail")),
		}
		switch status := field(row, cmp.Or(f.Status, "status")); {
		case slices.Contains(f.Done, status), f.Done == nil && status == "done":
			outcome.Status, outcome.Reason = orgusers.OutcomeDone, ""
		case slices.Contains(f.Skipped, status), f.Skipped == nil && status == "skipped":
			outcome.Status = orgusers.OutcomeSkipped
		}
		outcomes[i] = outcome
	}
	return outcomes, nil
}
