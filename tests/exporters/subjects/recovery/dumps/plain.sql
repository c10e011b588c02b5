--
-- PostgreSQL database dump
--

\restrict hxbomxcRJgpLjFljLzIkdidhTSrIiiG6E3Lqc86bVCN3G5FrfcoP8ckEN98IxW1

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: empty; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.empty (
    id integer
);


--
-- Name: orders; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orders (
    id integer NOT NULL,
    sku text
);


--
-- Name: 16394; Type: BLOB; Schema: -; Owner: -
--

SELECT pg_catalog.lo_create('16394');


--
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.empty (id) FROM stdin;
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orders (id, sku) FROM stdin;
1	tee-1
2	tee-2
3	tee-3
4	tee-4
5	tee-5
6	tee-6
7	tee-7
8	tee-8
9	tee-9
10	tee-10
11	tee-11
12	tee-12
13	tee-13
14	tee-14
15	tee-15
16	tee-16
17	tee-17
18	tee-18
19	tee-19
20	tee-20
21	tee-21
22	tee-22
23	tee-23
24	tee-24
25	tee-25
26	tee-26
27	tee-27
28	tee-28
29	tee-29
30	tee-30
31	tee-31
32	tee-32
33	tee-33
34	tee-34
35	tee-35
36	tee-36
37	tee-37
38	tee-38
39	tee-39
40	tee-40
\.


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('16394', 131072);
SELECT pg_catalog.lowrite(0, '\x7072696e74');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- PostgreSQL database dump complete
--

\unrestrict hxbomxcRJgpLjFljLzIkdidhTSrIiiG6E3Lqc86bVCN3G5FrfcoP8ckEN98IxW1

