package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// sharesPage is a page for encoding/json alone, with all fields of the
// contract.
type sharesPage struct {
	Shares []struct {
		UID              string    `json:"uid"`
		Email            string    `json:"email"`
		UserUID          string    `json:"user_uid"`
		OrgUID           string    `json:"org_uid"`
		OrgRoles         []orgRole `json:"org_roles"`
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

type orgRole struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// byHand is the loop that somebody in a hurry would write: one page after
// another on one connection, and nothing of limits, retries, or users who come
// and go.
type byHand struct {
	endpoint
	client http.Client
}

func (l *byHand) page(ctx context.Context, skip int) (*sharesPage, error) {
	request, err := l.request(ctx, "/share?asc=created_at&include_count=true&include_invited_by=true"+
		"&include_roles=true&include_user_details=true&limit=100&skip="+strconv.Itoa(skip))
	if err != nil {
		return nil, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body) // takes less CPU time than a json.Decoder
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the loop by hand was answered %s", response.Status)
	}
	page := new(sharesPage)
	return page, json.Unmarshal(text, page)
}

func (l *byHand) list(ctx context.Context) (users int, err error) {
	for {
		page, err := l.page(ctx, users)
		if err != nil {
			return users, err
		}
		if users += len(page.Shares); len(page.Shares) == 0 || users >= page.Count {
			return users, nil
		}
	}
}
