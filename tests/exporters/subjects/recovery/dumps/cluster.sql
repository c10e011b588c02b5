--
-- PostgreSQL database cluster dump
--

\restrict Q2gLabD7xu0xMHFG8FjGPCcuR8zHBel14q4OYhlDcaX5nn78pQ6C3C37AOStBn9

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE shop;
ALTER ROLE shop WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;

--
-- User Configurations
--








\unrestrict Q2gLabD7xu0xMHFG8FjGPCcuR8zHBel14q4OYhlDcaX5nn78pQ6C3C37AOStBn9

--
-- PostgreSQL database cluster dump complete
--

