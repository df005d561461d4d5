"""Names of programs, brands, dishes, plants, medicines and laws of nature, which no vocabulary of words has. Data only.

A model half believes that such a word is a name. None of them stands in the lists of common first names and surnames.
"""

from __future__ import annotations

_SOFTWARE = """
    ansible argocd autocad bazel bitbucket bluetooth cakephp chatgpt chromebook clickhouse cmake cockroachdb couchdb
    cython debian deno django dotnet drupal duckdb dynamodb elasticsearch emacs erlang excalidraw expressjs fastapi
    figma firefox fortran gatsby gemini gitea github gitlab godot golang gradle grafana graphql grpc gunicorn hadoop
    haproxy heroku influxdb istio javafx javascript jira joomla jquery jupyter kanban keras keycloak kibana kotlin
    kubernetes langchain laravel libreoffice linux logstash lucene mariadb markdown matlab matplotlib memcached
    metasploit minecraft mongodb mysql neovim netbeans netlify nextcloud nextjs nginx nodejs numpy nuxt odoo ollama
    opencv openshift opentelemetry perl photoshop phpmyadmin podman postgres postgresql powerpoint powershell
    prometheus pulumi pycharm pydantic pygame pyspark pytest pytorch qiskit qwen rabbitmq redis rstudio scikit
    scrapy simulink solr sqlalchemy sqlite stackoverflow streamlit supabase symfony tcpdump tensorflow terraform
    traefik trello typo3 ubuntu valgrind vercel virtualbox vite vuejs webflow webpack webstorm wireguard wireshark
    wordpress xamarin xcode zapier zigbee zookeeper zsh
"""
_LAWS = """
    bayesian boolean brownian cartesian darwinian euclid freudian gaussian hamiltonian hermitian jacobian kantian
    keynesian lagrangian laplacian levenshtein mandelbrot mendelian newtonian pythagoras pythagorean schrodinger
    socratic voronoi
"""
_FOOD = """
    arrabbiata bruschetta bulgogi cabernet ceviche chardonnay chimichurri ciabatta cortado focaccia gouda gruyere
    gulasch halloumi kimchi kombucha macchiato matcha merlot nutella paneer panettone parmesan parmigiano pierogi
    pinot quinoa ramen riesling salmorejo sauvignon seitan shakshuka spaetzle spatzle sriracha stollen stroganoff
    tempeh tzatziki
"""
_NATURE = """
    acetonitrile aspergillus brachiosaurus calathea cambrian cambrium campylobacter devonian ficus jurassic
    kalanchoe labradoodle permian pleistocene pseudomonas toxoplasma triassic
"""
_MEDICINES = """
    adderall amlodipine apixaban benadryl botox cetirizine clopidogrel diclofenac eliquis fentanyl humira jardiance
    lantus loratadine losartan novalgin oxycodone ozempic pantoprazole paracetamol pregabalin prozac ritalin
    rivaroxaban tramadol tylenol valium viagra voltaren wegovy xanax xarelto zoloft
"""
_OTHER = """
    ashtanga bauhaus bitcoin blockchain bollywood capoeira charizard dogecoin ethereum hatha impressionism kundalini
    orcs pikachu pilates pokemon reiki tiktok vinyasa wikipedia zumba
"""
THINGS = frozenset(f"{_SOFTWARE} {_LAWS} {_FOOD} {_NATURE} {_MEDICINES} {_OTHER}".split())
"""Folded as ``redaction.detectors.wordview.fold`` does it."""
