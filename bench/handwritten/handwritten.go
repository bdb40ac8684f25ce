// Package handwritten is a loop as it is quickly written with net/http and encoding/json: one page after another,
// without rate limits, retries, or regard for users who come and go. The benchmark compares the package with it.
package handwritten

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Page is a page for encoding/json alone, with all fields of the contract.
type Page struct {
	Shares []struct {
		UID              string    `json:"uid"`
		Email            string    `json:"email"`
		UserUID          string    `json:"user_uid"`
		OrgUID           string    `json:"org_uid"`
		OrgRoles         []Role    `json:"org_roles"`
		Status           string    `json:"status"`
		InvitedBy        string    `json:"invited_by"`
		InvitedAt        time.Time `json:"invited_at"`
		CreatedAt        time.Time `json:"created_at"`
		UpdatedAt        time.Time `json:"updated_at"`
		UpdateAt         time.Time `json:"update_at"`
		Message          string    `json:"message"`
		AcceptanceToken  string    `json:"acceptance_token"`
		IsOwner          bool      `json:"is_owner"`
		AccessWithoutSSO bool      `json:"access_without_sso"`
		FirstName        string    `json:"first_name"`
		LastName         string    `json:"last_name"`
		TFAStatus        string    `json:"tfa_status"`
		LastLoginAt      time.Time `json:"last_login_at"`
	} `json:"shares"`
	Count int `json:"count"`
}

// Role is a role of the organization.
type Role struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// Loop reads the users of an organization.
type Loop struct {
	BaseURL, OrganizationUID, AuthToken string
	Client                              *http.Client
}

// List reads all pages and counts their users.
func (l *Loop) List(ctx context.Context) (users int, err error) {
	for {
		page, err := l.Page(ctx, users)
		if err != nil {
			return users, err
		}
		if users += len(page.Shares); len(page.Shares) == 0 || users >= page.Count {
			return users, nil
		}
	}
}

// Page reads a page of a hundred users.
func (l *Loop) Page(ctx context.Context, skip int) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.BaseURL+"/v3/organizations/"+l.OrganizationUID+
		"/share?asc=created_at&include_count=true&include_invited_by=true"+
		"&include_roles=true&include_user_details=true&limit=100&skip="+strconv.Itoa(skip), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("authtoken", l.AuthToken)
	response, err := l.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body) // takes less CPU time than a json.Decoder
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the loop by hand got the status %s", response.Status)
	}
	page := new(Page)
	return page, json.Unmarshal(text, page)
}
